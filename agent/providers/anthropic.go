package providers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
)

func init() { Register("anthropic", newAnthropic) }

// anthropic implements the Messages API.
// Protocol: https://docs.anthropic.com/en/api/messages
type anthropic struct {
	client  *client
	model   string
	dialect atomic.Pointer[messagesDialect]
}

// messagesDialect selects the optional fields to send. What a server refused and then
// answered without is left out of all later requests.
type messagesDialect struct {
	noTemperature bool
	noReasoning   bool
	noFormat      bool
}

func (d messagesDialect) adapt(err error) (messagesDialect, bool) {
	switch {
	case !d.noTemperature && refuses(err, "temperature"):
		d.noTemperature = true
	case !d.noReasoning && refuses(err, "thinking"):
		d.noReasoning = true
	case !d.noFormat && (rejectsFormat(err) || refuses(err, "output_config")):
		d.noFormat = true
	default:
		return d, false
	}
	return d, true
}

func newAnthropic(s Settings) Provider {
	header := http.Header{}
	header.Set("Anthropic-Version", "2023-06-01")
	if s.Key != "" {
		header.Set("X-Api-Key", s.Key)
	}
	a := &anthropic{client: newClient(s, "/v1/messages", header), model: s.Model}
	a.dialect.Store(&messagesDialect{})
	return a
}

func (a *anthropic) Stream(ctx context.Context, request Request, onText func(string) error) (Reply, error) {
	accepted := *a.dialect.Load()
	current := accepted
	for {
		answer, err := a.client.post(ctx, a.body(request, current))
		if adapted, ok := current.adapt(err); ok {
			current = adapted
			continue
		}
		if err != nil {
			return Reply{}, explainImages(request, explainTools(request, err))
		}
		defer answer.close()
		// A refused format may be this schema's fault, so that it says nothing about others.
		if current.noFormat = false; current != accepted {
			a.dialect.Store(&current)
		}
		return readMessage(answer, onText)
	}
}

type messagesBody struct {
	Model       string          `json:"model"`
	MaxTokens   int             `json:"max_tokens"`
	System      string          `json:"system,omitempty"`
	Messages    []messagesEntry `json:"messages"`
	Stream      bool            `json:"stream"`
	Temperature *float64        `json:"temperature,omitempty"`
	Tools       []messagesTool  `json:"tools,omitempty"`
	ToolChoice  map[string]any  `json:"tool_choice,omitempty"`
	// OutputConfig has the form of the answer.
	OutputConfig map[string]any `json:"output_config,omitempty"`
}

type messagesTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"input_schema"`
}

type messagesEntry struct {
	Role    string          `json:"role"`
	Content []messagesBlock `json:"content"`
}

type messagesBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"`
	Content   string          `json:"content,omitempty"`
	IsError   bool            `json:"is_error,omitempty"`
	// The reasoning before tool calls, which the API demands back unchanged.
	Thinking  *string `json:"thinking,omitempty"`
	Signature string  `json:"signature,omitempty"`
	Data      string  `json:"data,omitempty"`
	// Source is an image.
	Source map[string]string `json:"source,omitempty"`
}

func (a *anthropic) body(r Request, d messagesDialect) messagesBody {
	body := messagesBody{
		Model: a.model, MaxTokens: r.MaxTokens, System: r.System, Messages: messagesEntries(r.Messages, d), Stream: true,
	}
	if !d.noTemperature {
		// The range ends at 1 here, at 2 in other APIs.
		temperature := min(r.Temperature, 1)
		body.Temperature = &temperature
	}
	for _, f := range r.Functions {
		body.Tools = append(body.Tools, messagesTool{Name: f.Name, Description: f.Description, InputSchema: f.Schema})
	}
	if r.NoCalls && len(r.Functions) > 0 {
		body.ToolChoice = map[string]any{"type": "none"}
	}
	// The API takes schemas only whose objects have no other properties.
	if r.Format != nil && r.Format.Strict && len(r.Format.Schema) > 0 && !d.noFormat {
		body.OutputConfig = map[string]any{"format": map[string]any{"type": "json_schema", "schema": r.Format.Schema}}
	}
	return body
}

// messagesEntries merges adjacent messages of one role: all results of a round
// must be in one message of the user.
func messagesEntries(messages []Message, d messagesDialect) []messagesEntry {
	var list []messagesEntry
	for _, m := range messages {
		role := "user"
		if m.Role == Assistant {
			role = "assistant"
		}
		blocks := messagesBlocks(m, d)
		if last := len(list) - 1; last >= 0 && list[last].Role == role {
			list[last].Content = append(list[last].Content, blocks...)
		} else if len(blocks) > 0 {
			list = append(list, messagesEntry{Role: role, Content: blocks})
		}
	}
	return list
}

func messagesBlocks(m Message, d messagesDialect) []messagesBlock {
	if m.Role == Tool {
		return []messagesBlock{{Type: "tool_result", ToolUseID: m.CallID, Content: m.Text, IsError: m.Failed}}
	}
	var blocks []messagesBlock
	if len(m.Reasoning) > 0 && !d.noReasoning {
		_ = json.Unmarshal(m.Reasoning, &blocks)
	}
	for _, image := range m.Images {
		blocks = append(blocks, messagesBlock{Type: "image", Source: map[string]string{
			"type": "base64", "media_type": image.MediaType, "data": image.Data,
		}})
	}
	// The API refuses a block of white space only.
	if strings.TrimSpace(m.Text) != "" {
		blocks = append(blocks, messagesBlock{Type: "text", Text: m.Text})
	}
	for _, c := range m.Calls {
		blocks = append(blocks, messagesBlock{
			Type: "tool_use", ID: c.ID, Name: c.Name, Input: json.RawMessage(objectText(c.Arguments)),
		})
	}
	return blocks
}
