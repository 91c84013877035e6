package mcpclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// content is one part of a result.
type content struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	MimeType string `json:"mimeType"`
	URI      string `json:"uri"`
	Name     string `json:"name"`
	Resource struct {
		URI  string `json:"uri"`
		Text string `json:"text"`
	} `json:"resource"`
}

// stateAlone returns the state that a server wants back before it answers, if it wants
// nothing else.
func stateAlone(raw json.RawMessage) string {
	var result struct {
		Kind   string                     `json:"resultType"`
		State  string                     `json:"requestState"`
		Inputs map[string]json.RawMessage `json:"inputRequests"`
	}
	if json.Unmarshal(raw, &result) != nil || result.Kind != "input_required" || len(result.Inputs) > 0 {
		return ""
	}
	return result.State
}

// readResult returns the text of a result of tools/call.
func readResult(raw json.RawMessage) (text string, isError bool, err error) {
	var result struct {
		Kind       string                     `json:"resultType"`
		Content    []content                  `json:"content"`
		Structured json.RawMessage            `json:"structuredContent"`
		IsError    bool                       `json:"isError"`
		Inputs     map[string]json.RawMessage `json:"inputRequests"`
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return "", false, errors.New("the server's result is not readable")
	}
	switch result.Kind {
	case "", "complete":
	case "input_required":
		return "", false, errors.New("the server asks the user for more before it answers" + wanted(result.Inputs) +
			", which this agent can't pass on; tell the user, or call again with arguments that leave nothing open")
	default:
		return "", false, fmt.Errorf("the server's result is of the type %q, which this agent does not know", clip(result.Kind, 40))
	}
	var parts []string
	for _, part := range result.Content {
		parts = append(parts, part.words())
	}
	if len(parts) == 0 && result.Structured != nil {
		parts = append(parts, string(result.Structured))
	}
	return strings.Join(parts, "\n"), result.IsError, nil
}

func (c content) words() string {
	switch c.Type {
	case "text":
		return c.Text
	case "image", "audio":
		return fmt.Sprintf("[%s of the type %s, not shown]", c.Type, c.MimeType)
	case "resource_link":
		return fmt.Sprintf("%s <%s>", c.Name, c.URI)
	case "resource":
		if c.Resource.Text != "" {
			return c.Resource.URI + "\n" + c.Resource.Text
		}
		return fmt.Sprintf("[file %s, not shown]", c.Resource.URI)
	}
	return fmt.Sprintf("[content of the type %s, not shown]", c.Type)
}

// wanted returns what a server asks for, as it words it.
func wanted(inputs map[string]json.RawMessage) string {
	for _, raw := range inputs {
		var input struct {
			Params struct {
				Message string `json:"message"`
			} `json:"params"`
		}
		if json.Unmarshal(raw, &input) == nil && input.Params.Message != "" {
			return " (“" + clip(input.Params.Message, 200) + "”)"
		}
	}
	return ""
}
