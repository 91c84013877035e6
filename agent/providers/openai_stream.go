package providers

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"agent.local/a0000000000000000/sse"
)

// The most calls in one round; the rest is dropped.
const maxCalls = 32

// chatChunk is one event of a stream. A server that does not stream sends Message
// in place of Delta.
type chatChunk struct {
	Choices []struct {
		Delta        chatDelta `json:"delta"`
		Message      chatDelta `json:"message"`
		FinishReason string    `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type chatDelta struct {
	Content   chatText        `json:"content"`
	Refusal   string          `json:"refusal"`
	ToolCalls []chatCallDelta `json:"tool_calls"`
}

// chatText is a string or, from some reasoning models, a list of parts, of which
// only the text is for the user.
type chatText string

func (t *chatText) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] != '[' {
		return json.Unmarshal(raw, (*string)(t))
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	for _, part := range parts {
		if part.Type == "text" {
			*t += chatText(part.Text)
		}
	}
	return nil
}

type chatCallDelta struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

// chatReader assembles a reply from its chunks.
type chatReader struct {
	answer   *answer
	onText   func(string) error
	calls    []*chatCallParts
	finish   string
	usage    Usage
	complete bool
}

type chatCallParts struct {
	index     int
	id, name  string
	arguments strings.Builder
}

func readChat(a *answer, onText func(string) error) (Reply, error) {
	r := &chatReader{answer: a, onText: onText}
	if !a.isStream() {
		return r.readWhole()
	}
	err := a.events(r.event)
	// Usage and [DONE] follow the finish reason, and some servers omit them; the
	// answer itself is complete by then.
	var failure *Error
	if r.complete && errors.As(err, &failure) && failure.Kind == Unreachable {
		err = nil
	}
	if err != nil {
		return Reply{}, err
	}
	return r.reply(), nil
}

func (r *chatReader) event(e sse.Event) (bool, error) {
	if strings.TrimSpace(e.Data) == "[DONE]" {
		return true, nil
	}
	return false, r.chunk([]byte(e.Data))
}

// readWhole reads the answer of a server that ignores "stream".
func (r *chatReader) readWhole() (Reply, error) {
	data, err := io.ReadAll(r.answer)
	if err != nil {
		return Reply{}, r.answer.client.connectionError(r.answer.ctx, "lost the connection to", err)
	}
	if err := r.chunk(data); err != nil {
		return Reply{}, err
	}
	if !r.complete {
		return Reply{}, r.answer.protocolError(string(data))
	}
	return r.reply(), nil
}

func (r *chatReader) chunk(data []byte) error {
	var chunk chatChunk
	if json.Unmarshal(data, &chunk) != nil {
		return r.answer.protocolError(string(data))
	}
	if len(chunk.Error) > 0 && string(chunk.Error) != "null" {
		return streamFault(data)
	}
	if chunk.Usage != nil {
		r.usage = Usage{Input: chunk.Usage.PromptTokens, Output: chunk.Usage.CompletionTokens}
	}
	for _, choice := range chunk.Choices {
		if choice.FinishReason != "" {
			r.finish, r.complete = choice.FinishReason, true
		}
		for _, delta := range []chatDelta{choice.Delta, choice.Message} {
			if err := r.delta(delta); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *chatReader) delta(d chatDelta) error {
	for _, part := range d.ToolCalls {
		r.addCall(part)
	}
	if text := string(d.Content) + d.Refusal; text != "" {
		return r.onText(text)
	}
	return nil
}

// addCall adds a fragment to its call, which the index identifies or, from servers
// without one, the id.
func (r *chatReader) addCall(part chatCallDelta) {
	var call *chatCallParts
	for _, existing := range r.calls {
		sameIndex := part.Index != nil && existing.index == *part.Index
		sameID := part.Index == nil && (part.ID == "" || part.ID == existing.id)
		if sameIndex || sameID {
			call = existing
		}
	}
	if call == nil {
		if len(r.calls) >= maxCalls {
			return
		}
		call = &chatCallParts{index: len(r.calls)}
		if part.Index != nil {
			call.index = *part.Index
		}
		r.calls = append(r.calls, call)
	}
	if call.id == "" {
		call.id = part.ID
	}
	if call.name == "" {
		call.name = part.Function.Name
	}
	call.arguments.WriteString(argumentText(part.Function.Arguments))
}

// argumentText returns arguments as text: the protocol has a string, some servers
// send an object.
func argumentText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

func (r *chatReader) reply() Reply {
	reply := Reply{Finish: Stop, Usage: r.usage}
	switch r.finish {
	case "length", "max_tokens":
		reply.Finish = Length
	case "content_filter":
		reply.Finish = Filtered
	}
	for _, call := range r.calls {
		reply.Calls = append(reply.Calls, Call{ID: call.id, Name: call.name, Arguments: call.arguments.String()})
	}
	return reply
}

// streamFault returns the error that a server reports inside a 200 response.
func streamFault(data []byte) error {
	fault := parseFault(data)
	failure := &Error{Kind: Refused, Message: fault.Message}
	switch {
	case fault.Type == "overloaded_error", fault.Type == "api_error", fault.Type == "server_error", strings.HasPrefix(fault.Code, "5"):
		failure.Kind, failure.retryable = Unreachable, true
	case fault.Type == "rate_limit_error", fault.Code == "429", fault.Code == "rate_limit_exceeded":
		failure.Kind, failure.retryable = RateLimited, true
	}
	if failure.Message == "" {
		failure.Message = "the provider reported an error without a message"
	}
	return failure
}
