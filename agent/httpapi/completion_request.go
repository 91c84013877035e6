package httpapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"agent.local/a0000000000000000/protocol"
)

// completionRequest is the part of OpenAI's request that has a meaning here. The
// agent's own model, sampling and tools apply; what would change the meaning of the
// answer is refused by name, and everything else ignored.
type completionRequest struct {
	Model         string           `json:"model"`
	Messages      []requestMessage `json:"messages"`
	Stream        bool             `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	N                   *int            `json:"n"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	ResponseFormat      *formatField    `json:"response_format"`
	Tools               json.RawMessage `json:"tools"`
	Functions           json.RawMessage `json:"functions"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	Modalities          []string        `json:"modalities"`
	Audio               json.RawMessage `json:"audio"`
}

type requestMessage struct {
	Role       string          `json:"role"`
	Name       string          `json:"name"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string   `json:"id"`
		Function function `json:"function"`
	} `json:"tool_calls"`
	FunctionCall *function `json:"function_call"`
}

type function struct{ Name, Arguments string }

// parseCompletion returns the agent's request, or a *refusal.
func (s *server) parseCompletion(body []byte) (completionRequest, protocol.Request, error) {
	var r completionRequest
	var asked protocol.Request
	if err := decodeRequest(body, &r); err != nil {
		return r, asked, err
	}
	if err := s.checkModel(r.Model); err != nil {
		return r, asked, err
	}
	if err := r.refuseOptions(); err != nil {
		return r, asked, err
	}
	asked.Format = r.ResponseFormat.wanted()
	if err := s.checkFormat(asked.Format, "response_format"); err != nil {
		return r, asked, err
	}
	h := s.newHistory()
	for i, m := range r.Messages {
		if err := m.addTo(&h); err != nil {
			return r, asked, invalid(fmt.Sprintf("messages[%d]", i), fmt.Sprintf("message %d: %v", i+1, err))
		}
	}
	if len(h.messages) == 0 {
		return r, asked, invalid("messages", "the request has no message of the user")
	}
	asked.Messages, asked.Instructions = h.messages, strings.Join(h.instructions, "\n\n")
	asked.MaxTokens = max(r.MaxTokens, r.MaxCompletionTokens)
	return r, asked, nil
}

// decodeRequest decodes a body, and names the field with a value of the wrong type.
func decodeRequest(body []byte, value any) error {
	err := json.Unmarshal(body, value)
	if err == nil {
		return nil
	}
	param := ""
	if mistake, ok := err.(*json.UnmarshalTypeError); ok {
		param = mistake.Field
	}
	return invalid(param, fmt.Sprintf("the request is not the expected JSON: %v", err))
}

func (r completionRequest) refuseOptions() error {
	switch {
	case isGiven(r.Tools):
		return ownTools("tools")
	case isGiven(r.Functions):
		return ownTools("functions")
	case r.N != nil && *r.N != 1:
		return invalid("n", "the agent gives one answer: omit n")
	case slices.Contains(r.Modalities, "audio") || isGiven(r.Audio):
		return invalid("modalities", "the agent answers in text only")
	}
	return refuseToolChoice(r.ToolChoice)
}

func ownTools(param string) error {
	return invalid(param, "the agent brings its own tools and runs them itself: omit "+param)
}

func refuseToolChoice(choice json.RawMessage) error {
	var word string
	if !isGiven(choice) || json.Unmarshal(choice, &word) == nil && (word == "none" || word == "auto") {
		return nil
	}
	return ownTools("tool_choice")
}

func (m requestMessage) addTo(h *history) error {
	c, err := readContent(m.Content)
	if err != nil {
		return err
	}
	if m.Role == "tool" || m.Role == "function" {
		h.result(m.ToolCallID, m.Name, c.text)
		return nil
	}
	if err := h.message(m.Role, c); err != nil {
		return err
	}
	for _, call := range m.ToolCalls {
		h.call(call.ID, call.Function.Name, call.Function.Arguments)
	}
	if m.FunctionCall != nil {
		h.call("", m.FunctionCall.Name, m.FunctionCall.Arguments)
	}
	return nil
}
