package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// completionRequest is the part of OpenAI's request that an agent can honour.
type completionRequest struct {
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Stream        bool `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Tools []json.RawMessage `json:"tools"`
	N     int               `json:"n"`

	messages []message
}

func parseCompletion(body []byte) (completionRequest, error) {
	var r completionRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("the request is not the JSON that is expected: %w", err)
	}
	if len(r.Tools) > 0 || r.N > 1 {
		return r, errors.New("the agent has tools of its own and gives one answer: leave out tools and n")
	}
	for i, m := range r.Messages {
		if m.Role == "system" || m.Role == "developer" {
			continue
		}
		text, err := contentText(m.Content)
		if err != nil {
			return r, fmt.Errorf("message %d: %w", i+1, err)
		}
		r.messages = append(r.messages, message{m.Role, text})
	}
	return r, nil
}

// contentText reads a string or a list of text parts.
func contentText(raw json.RawMessage) (string, error) {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", errors.New("content is neither text nor a list of parts")
	}
	var all []string
	for _, part := range parts {
		if part.Type != "text" {
			return "", fmt.Errorf("the agent reads text only, not %q", part.Type)
		}
		all = append(all, part.Text)
	}
	return strings.Join(all, "\n"), nil
}
