package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/protocol"
)

// completionRequest is the part of OpenAI's request that an agent supports.
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

	messages []protocol.Message
}

func parseCompletion(body []byte) (completionRequest, error) {
	var r completionRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("the request is not the expected JSON: %w", err)
	}
	if len(r.Tools) > 0 || r.N > 1 {
		return r, errors.New("the agent brings its own tools and gives one answer: omit tools and n")
	}
	for i, m := range r.Messages {
		if m.Role == "system" || m.Role == "developer" {
			continue
		}
		text, err := contentText(m.Content)
		if err != nil {
			return r, fmt.Errorf("message %d: %w", i+1, err)
		}
		r.messages = append(r.messages, protocol.Message{Role: m.Role, Content: text})
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
	var texts []string
	for _, part := range parts {
		if part.Type != "text" {
			return "", fmt.Errorf("the agent reads text only, not %q", part.Type)
		}
		texts = append(texts, part.Text)
	}
	return strings.Join(texts, "\n"), nil
}
