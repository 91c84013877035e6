package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/protocol"
)

// responseRequest is the part of a request for a response that has a meaning here.
type responseRequest struct {
	Model              string          `json:"model"`
	Input              json.RawMessage `json:"input"`
	Instructions       string          `json:"instructions"`
	Stream             bool            `json:"stream"`
	MaxOutputTokens    int             `json:"max_output_tokens"`
	Tools              json.RawMessage `json:"tools"`
	ToolChoice         json.RawMessage `json:"tool_choice"`
	PreviousResponseID string          `json:"previous_response_id"`
	Conversation       json.RawMessage `json:"conversation"`
	Prompt             json.RawMessage `json:"prompt"`
	Background         bool            `json:"background"`
	Metadata           json.RawMessage `json:"metadata"`
	Text               struct {
		Format *formatField `json:"format"`
	} `json:"text"`
}

// responseItem is one entry of the input.
type responseItem struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
}

// parseResponse returns the agent's request, or a *refusal.
func (s *server) parseResponse(body []byte) (responseRequest, protocol.Request, error) {
	var r responseRequest
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
	asked.Format = r.Text.Format.wanted()
	if err := s.checkFormat(asked.Format, "text.format"); err != nil {
		return r, asked, err
	}
	h := s.newHistory()
	if err := r.addInput(&h); err != nil {
		return r, asked, err
	}
	if len(h.messages) == 0 {
		return r, asked, invalid("input", "the input has no message of the user")
	}
	if r.Instructions != "" {
		h.instructions = append([]string{r.Instructions}, h.instructions...)
	}
	asked.Messages, asked.Instructions = h.messages, strings.Join(h.instructions, "\n\n")
	asked.MaxTokens = r.MaxOutputTokens
	return r, asked, nil
}

func (r responseRequest) refuseOptions() error {
	switch {
	case isGiven(r.Tools):
		return ownTools("tools")
	case r.PreviousResponseID != "":
		return &refusal{400, "previous_response_not_found", "previous_response_id",
			"this server keeps no responses: send the whole conversation as input, and omit previous_response_id"}
	case isGiven(r.Conversation):
		return invalid("conversation", "this server keeps no conversations: send the whole conversation as input")
	case isGiven(r.Prompt):
		return invalid("prompt", "this server has no stored prompts: send instructions and input")
	case r.Background:
		return invalid("background", "the agent answers at once: omit background")
	}
	return refuseToolChoice(r.ToolChoice)
}

// addInput reads the input, which is a text or a list of items.
func (r responseRequest) addInput(h *history) error {
	var text string
	if json.Unmarshal(r.Input, &text) == nil {
		return h.message("user", content{text: text})
	}
	var items []responseItem
	if err := json.Unmarshal(r.Input, &items); err != nil {
		return invalid("input", "the input is neither text nor a list of items")
	}
	for i, item := range items {
		if err := item.addTo(h); err != nil {
			return invalid(fmt.Sprintf("input[%d]", i), fmt.Sprintf("item %d of the input: %v", i+1, err))
		}
	}
	return nil
}

func (item responseItem) addTo(h *history) error {
	switch item.Type {
	case "", "message":
		c, err := readContent(item.Content)
		if err != nil {
			return err
		}
		return h.message(item.Role, c)
	case "function_call":
		h.call(item.CallID, item.Name, item.Arguments)
	case "function_call_output":
		c, err := readContent(item.Output)
		if err != nil {
			return err
		}
		h.result(item.CallID, "", c.text)
	case "reasoning":
		// Another model's, which this agent cannot use.
	default:
		return fmt.Errorf("items of type %q are not supported; use message, function_call and function_call_output", item.Type)
	}
	return nil
}
