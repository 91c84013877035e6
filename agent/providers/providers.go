// Package providers speaks the wire protocols of model servers. Each protocol
// is one file that registers itself; the rest of the agent sees Provider.
package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Role says who wrote a message.
type Role string

// The roles of a conversation. A Tool message answers one Call.
const (
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Message is one entry of a conversation.
type Message struct {
	Role Role
	Text string
	// Calls are what an assistant's message asked for.
	Calls []Call
	// CallID and Failed belong to a tool's message.
	CallID string
	Failed bool
}

// Call is the model's wish to run a tool. Arguments is the text that the model
// wrote, which may not be JSON.
type Call struct {
	ID        string
	Name      string
	Arguments string
}

// Function describes a tool to the model.
type Function struct {
	Name        string
	Description string
	Schema      json.RawMessage
}

// Request is one question to the model. With NoCalls it may see the functions,
// which explain earlier calls to it, but must answer in words.
type Request struct {
	System      string
	Messages    []Message
	Functions   []Function
	NoCalls     bool
	Temperature float64
	MaxTokens   int
}

// Usage counts tokens as the provider bills them; zero where it did not say.
type Usage struct {
	Input  int
	Output int
}

// Finish says why the model stopped.
type Finish string

// The reasons to stop. Filtered means that the provider withheld the answer.
const (
	Stop     Finish = "stop"
	Length   Finish = "length"
	Filtered Finish = "filtered"
)

// Reply is what remains to say when a stream has ended; its text was already
// handed to the callback.
type Reply struct {
	Calls  []Call
	Finish Finish
	Usage  Usage
}

// Provider answers requests. Stream calls onText for each piece of text as it
// arrives; an error of onText ends the stream and is returned.
type Provider interface {
	Stream(ctx context.Context, request Request, onText func(text string) error) (Reply, error)
}

// Settings is what a protocol needs to know.
type Settings struct {
	// Code is the provider's code, for differences between servers of one API.
	Code    string
	BaseURL string
	Key     string
	Model   string
	// Transport makes the connections; http.DefaultTransport where nil.
	Transport http.RoundTripper
	// RetryPause is the wait before the second attempt where the server names
	// none; half a second where zero.
	RetryPause time.Duration
}

var apis = map[string]func(Settings) Provider{}

// Register adds a protocol. It is called from init.
func Register(api string, create func(Settings) Provider) { apis[api] = create }

// New returns the provider that speaks the named API.
func New(api string, s Settings) (Provider, error) {
	create, ok := apis[api]
	if !ok {
		return nil, fmt.Errorf("this agent does not speak the API %q", api)
	}
	// Pasted keys often carry a line break, which no header may contain.
	s.Key = strings.TrimSpace(s.Key)
	if strings.ContainsFunc(s.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &Error{Kind: NoKey, Message: "the key contains characters that no key has; copy it again"}
	}
	s.BaseURL = strings.TrimRight(strings.TrimSpace(s.BaseURL), "/")
	if s.RetryPause == 0 {
		s.RetryPause = 500 * time.Millisecond
	}
	return &retrying{Provider: create(s), pause: s.RetryPause, secret: NewSecret(s.Key)}, nil
}
