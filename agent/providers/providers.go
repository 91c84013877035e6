// Package providers implements the wire protocols of model servers. Each protocol
// is one file that registers itself; the rest of the agent sees only Provider.
package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Role is the author of a message.
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
	// Outside is the length of the beginning of Text that is not the user's own, in a message
	// of the user.
	Outside int
	// Images are those of a user's message.
	Images []Image
	// Calls are the tool calls of an assistant's message.
	Calls []Call
	// Reasoning is what the Reply with these calls had.
	Reasoning json.RawMessage
	// Foreign marks calls of another provider's model.
	Foreign bool
	// CallID is the call that a tool's message answers; Failed marks an error.
	CallID string
	Failed bool
}

// Own returns what a user wrote.
func (m Message) Own() string { return m.Text[m.Outside:] }

// Image is a picture in base64.
type Image struct {
	MediaType string
	Data      string
}

func (i Image) url() string { return "data:" + i.MediaType + ";base64," + i.Data }

// Call is the model's request to run a tool. Arguments is the model's text, which
// may not be valid JSON.
type Call struct {
	ID        string
	Name      string
	Arguments string
	// Extra is the provider's own data on the call, to be sent back with it.
	Extra json.RawMessage
}

// Function describes a tool to the model.
type Function struct {
	Name        string
	Description string
	Schema      json.RawMessage
}

// Request is one question to the model. With NoCalls the model still receives the
// functions, which explain earlier calls, but must not call them.
type Request struct {
	System      string
	Messages    []Message
	Functions   []Function
	NoCalls     bool
	Temperature float64
	MaxTokens   int
	// Format is the form of the answer, nil for text. A protocol without it ignores it:
	// the system prompt asks for it too, and the answer is checked.
	Format *Format
}

// Format asks for JSON: any object if Schema is empty, else what fits the schema.
type Format struct {
	Name   string
	Schema json.RawMessage
	Strict bool
}

// Usage counts tokens as the provider bills them; zero if it does not report them.
type Usage struct {
	Input  int
	Output int
}

// Finish is the reason why the model stopped.
type Finish string

// The reasons to stop. Filtered means that the provider withheld the answer, Other
// that the reason is unknown, so that the answer may be incomplete.
const (
	Stop     Finish = "stop"
	Length   Finish = "length"
	Filtered Finish = "filtered"
	Other    Finish = "other"
)

// Reply is the end of a stream. The text was already passed to the callback.
type Reply struct {
	Calls  []Call
	Finish Finish
	// Reason is the provider's own word if Finish is Other.
	Reason string
	Usage  Usage
	// Reasoned reports that the model sent reasoning, which is not part of the text.
	// Reasoning is what the provider expects back with the results of the calls.
	Reasoned  bool
	Reasoning json.RawMessage
}

// Provider answers requests. Stream calls onText for each piece of text as it
// arrives; if onText fails, Stream ends with that error.
type Provider interface {
	Stream(ctx context.Context, request Request, onText func(text string) error) (Reply, error)
}

// Settings configure a Provider.
type Settings struct {
	// Code identifies the provider, for differences between servers of one API.
	Code    string
	BaseURL string
	Key     string
	Model   string
	// KeyHeader carries the key if it is not the one of the API, MaxTokensField is the
	// name of the field that limits the answer.
	KeyHeader      string
	MaxTokensField string
	// ForeignCalls goes with each call of a Foreign message.
	ForeignCalls json.RawMessage
	// AnyObject reports that the API can ask for a JSON object, but not for a schema.
	AnyObject bool
	// Transport makes the connections; http.DefaultTransport if nil.
	Transport http.RoundTripper
	// RetryPause is the wait before the second attempt if the server sets none;
	// half a second if zero.
	RetryPause time.Duration
	// MaxPause is the longest wait that the server may set: ten seconds if zero.
	MaxPause time.Duration
}

var apis = map[string]func(Settings) Provider{}

// Register adds a protocol. Call it from init.
func Register(api string, create func(Settings) Provider) { apis[api] = create }

// New returns a provider for the named API. It removes the key from everything
// that the server sends, and repeats a failed request once if that may help.
func New(api string, s Settings) (Provider, error) {
	create, ok := apis[api]
	if !ok {
		return nil, fmt.Errorf("this agent does not support the API %q", api)
	}
	// Pasted keys often end with a line break, which headers must not contain.
	s.Key = strings.TrimSpace(s.Key)
	if strings.ContainsFunc(s.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &Error{Kind: NoKey, Message: "the key contains characters that are not allowed in a key; copy it again"}
	}
	s.BaseURL = strings.TrimRight(strings.TrimSpace(s.BaseURL), "/")
	if s.RetryPause == 0 {
		s.RetryPause = 500 * time.Millisecond
	}
	if s.MaxPause == 0 {
		// A person is waiting for the answer.
		s.MaxPause = 10 * time.Second
	}
	return &retrier{Provider: create(s), pause: s.RetryPause, maxPause: s.MaxPause, secret: NewSecret(s.Key)}, nil
}
