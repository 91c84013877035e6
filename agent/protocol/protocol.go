// Package protocol is what a host knows of an agent: two functions, the JSON
// request that goes in, and the JSON events that come out. A loaded plugin and
// a compiled-in agent look the same through it.
package protocol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Agent is a loaded plugin or a compiled-in agent.
type Agent interface {
	// Manifest describes the agent as JSON.
	Manifest() []byte
	// Handle answers one request and reports progress through emit.
	Handle(ctx context.Context, request []byte, emit func(event []byte) error) error
}

// Flusher is an Agent that reports to others what it does, such as a collector.
type Flusher interface {
	// Flush sends what is still to be reported, until ctx ends.
	Flush(ctx context.Context)
}

// Message is one entry of a request.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
	// Data has what tools of another program returned before a user's message, if the
	// manifest's request fields have data.
	Data string `json:"data,omitempty"`
	// Images are those of a user's message, if the manifest's request fields have images.
	Images []Image `json:"images,omitempty"`
}

// Image is a PNG, JPEG, GIF or WebP file in base64.
type Image struct {
	Data string `json:"data"`
}

// Approval is the part of a request about calls that need a person. Ask says that the
// sender can ask one, Allow names the tools that were approved beforehand, State is
// that of the last done event.
type Approval struct {
	Ask     bool     `json:"ask,omitempty"`
	Allow   []string `json:"allow,omitempty"`
	State   string   `json:"state,omitempty"`
	Answers []Answer `json:"answers,omitempty"`
}

// Answer is a person's to an approval event: Once, Conversation or Deny, which may have
// a word for the model.
type Answer struct {
	ID     string `json:"id"`
	Answer string `json:"answer"`
	Word   string `json:"word,omitempty"`
}

// What a person answers to an approval event.
const (
	Once         = "once"
	Conversation = "conversation"
	Deny         = "deny"
)

// FinishApproval is the finish of a done event after approval events: the turn goes on
// with the same messages, the state and the answers.
const FinishApproval = "approval"

// Event is any event of an agent; Type decides which fields are set.
type Event struct {
	Type      string
	ID        string
	Tool      string
	Covers    string
	Expires   string
	State     string
	Text      string
	Name      string
	Arguments json.RawMessage
	Result    string
	Error     bool
	Code      string
	Message   string
	Finish    string
	Reason    string
	Provider  string
	Model     string
	Input     int `json:"input_tokens"`
	Output    int `json:"output_tokens"`
}

// Shown returns the arguments of a call as JSON for a person, who approves what they see:
// characters that are not shown, or that reorder others, are escapes.
func (e Event) Shown() string {
	var arguments bytes.Buffer
	if json.Compact(&arguments, e.Arguments) != nil {
		return "{}"
	}
	return Escaped(arguments.String())
}

// Escaped returns a text with escapes of JSON in place of what Shown does not show.
func Escaped(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// What a token event begins and ends with, as agents encode it.
const beforeToken, afterToken = `{"type":"token","text":"`, `"}`

// Decode returns an event of an agent.
func Decode(raw []byte) (Event, error) {
	// Nearly all events are tokens, and most of them have nothing to decode.
	if text, found := bytes.CutPrefix(raw, []byte(beforeToken)); found {
		if text, found = bytes.CutSuffix(text, []byte(afterToken)); found && isPlain(text) {
			return Event{Type: "token", Text: string(text)}, nil
		}
	}
	var e Event
	err := json.Unmarshal(raw, &e)
	return e, err
}

// isPlain reports whether a text in JSON stands for itself.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(text)
}

// Request asks for an answer to Messages. The other fields are optional, and work if
// the manifest names them among its request fields.
type Request struct {
	Messages []Message `json:"messages"`
	// Instructions are the caller's own, which the agent's take precedence over.
	Instructions string `json:"instructions,omitempty"`
	// MaxTokens lowers the agent's limit of an answer if it is positive.
	MaxTokens int     `json:"max_tokens,omitempty"`
	Format    *Format `json:"format,omitempty"`
	// Approval is what the caller says of calls that need a person.
	Approval *Approval `json:"approval,omitempty"`
	// Hops says through how many agents the question has gone.
	Hops int `json:"hops,omitempty"`
}

// Format is the form of an answer. Type is text, json_object, or json_schema with a
// Schema.
type Format struct {
	Type   string          `json:"type"`
	Name   string          `json:"name,omitempty"`
	Schema json.RawMessage `json:"schema,omitempty"`
	Strict bool            `json:"strict,omitempty"`
}

// Encode returns the request as JSON.
func (r Request) Encode() []byte {
	encoded, _ := json.Marshal(r)
	return encoded
}

// EncodeRequest returns the request that asks for an answer to messages.
func EncodeRequest(messages []Message) []byte { return Request{Messages: messages}.Encode() }

// ErrNoAnswer reports an agent that returned without a closing event.
var ErrNoAnswer = errors.New("the agent stopped without an answer")

// Handle sends a request to the agent and passes each event to observe, both
// decoded and as received. It returns the closing event, which is of type done
// or error; an error event is also returned as an error. If the agent sends no
// closing event, Handle passes an error event with the code internal to observe
// and returns that.
func Handle(ctx context.Context, agent Agent, request []byte, observe func(event Event, raw []byte) error) (Event, error) {
	var last Event
	err := agent.Handle(ctx, traced(ctx, request), func(raw []byte) error {
		e, err := Decode(raw)
		if err != nil {
			return err
		}
		last = e
		return observe(e, raw)
	})
	switch last.Type {
	case "done":
		return last, err
	case "error":
		return last, errors.New(last.Message)
	}
	if err == nil {
		err = ErrNoAnswer
	}
	last = Event{Type: "error", Code: "internal", Message: err.Error()}
	raw, _ := json.Marshal(map[string]string{"type": last.Type, "code": last.Code, "message": last.Message})
	_ = observe(last, raw)
	return last, err
}
