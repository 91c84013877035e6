package conversation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"agent.local/a0000000000000000/providers"
)

// Codes of the error events that are not the provider's.
const (
	codeBadRequest = "bad_request"
	codeCancelled  = "cancelled"
	codeCostLimit  = "cost_limit"
	codeFormat     = "format"
	codeInternal   = "internal"
	codeTimeLimit  = "time_limit"
	codeTokenLimit = "token_limit"
	codeToolRounds = "tool_rounds"
)

// Failure is an error event and the error that Handle returns after it.
type Failure struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Status  int    `json:"status,omitempty"`
	Message string `json:"message"`
}

func (f *Failure) Error() string { return f.Message }

type tokenEvent struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type callEvent struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

type resultEvent struct {
	Type   string `json:"type"`
	ID     string `json:"id"`
	Name   string `json:"name"`
	Result string `json:"result"`
	Error  bool   `json:"error"`
	MS     int64  `json:"ms"`
}

// disabledEvent says that a tool is no longer what the agent's owner chose.
type disabledEvent struct {
	Type   string `json:"type"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// citationsEvent says of each source that the answer names whether it has what the
// answer quotes.
type citationsEvent struct {
	Type      string `json:"type"`
	Citations any    `json:"citations"`
}

type usageEvent struct {
	Type   string `json:"type"`
	Input  int    `json:"input_tokens"`
	Output int    `json:"output_tokens"`
	// Dollars is what they cost, where a limit of cost needs to know.
	Dollars float64 `json:"dollars,omitempty"`
	// Models says which model counted what, if there was more than one.
	Models []modelUsage `json:"models,omitempty"`
}

type modelUsage struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Input    int    `json:"input_tokens"`
	Output   int    `json:"output_tokens"`
}

// fallbackEvent says that another provider answers from here on, and why.
type fallbackEvent struct {
	Type     string `json:"type"`
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Code     string `json:"code"`
	Status   int    `json:"status,omitempty"`
	Reason   string `json:"reason"`
}

type doneEvent struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Rounds int    `json:"rounds"`
	MS     int64  `json:"ms"`
	Finish string `json:"finish"`
	// Reason is the provider's own word for a finish that this agent does not know.
	Reason string `json:"reason,omitempty"`
	// State is what the next request has to send back: the calls that wait for an
	// approval, and how far the conversation can be trusted.
	State string `json:"state,omitempty"`
	// Untrusted reports that the answer may repeat what others wrote, Links the hosts
	// to which it may lead all the same.
	Untrusted bool     `json:"untrusted,omitempty"`
	Links     []string `json:"links,omitempty"`
}

// approvalEvent asks a person about one call. Covers describes the calls that an
// approval for the conversation allows, Expires is in UTC.
type approvalEvent struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	CallID    string          `json:"call_id"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	May       []string        `json:"may"`
	Reason    string          `json:"reason"`
	Covers    string          `json:"covers"`
	Expires   string          `json:"expires"`
}

// output encodes and emits events until emit fails.
type output struct {
	emit   func([]byte) error
	failed error
}

func (o *output) send(event any) error {
	if o.failed != nil {
		return o.failed
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(event); err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	o.failed = o.emit(bytes.TrimRight(encoded.Bytes(), "\n"))
	return o.failed
}

// failureOf returns the event of an error. The cause of a cancelled context takes
// precedence, since other errors then follow from it. A host's cause may set the
// code with a method Code.
func failureOf(ctx context.Context, err error) *Failure {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var own *Failure
	var provider *providers.Error
	var coded interface{ Code() string }
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &coded):
		return failure(coded.Code(), err.Error())
	case errors.As(err, &provider):
		return &Failure{Type: "error", Code: string(provider.Kind), Status: provider.Status, Message: provider.Message}
	case errors.Is(err, context.DeadlineExceeded):
		return failure(codeTimeLimit, "the caller's time limit has passed")
	case errors.Is(err, context.Canceled):
		return failure(codeCancelled, "the answer was cancelled")
	}
	return failure(codeInternal, err.Error())
}

func failure(code, message string) *Failure {
	return &Failure{Type: "error", Code: code, Message: message}
}

func isKeyError(err error) bool {
	var keyErr *providers.Error
	return errors.As(err, &keyErr) && keyErr.Kind == providers.NoKey
}

func (a *Agent) withTimeLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	seconds := a.config.Limits.Seconds
	cause := failure(codeTimeLimit, fmt.Sprintf("the answer took longer than the agent's limit of %d seconds", seconds))
	return context.WithTimeoutCause(ctx, time.Duration(seconds)*time.Second, cause)
}
