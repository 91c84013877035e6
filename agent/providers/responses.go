package providers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
)

func init() { Register("responses", newResponses) }

// responses implements OpenAI's Responses API without its storage: each request has the
// whole conversation, and the server keeps nothing.
// Protocol: https://platform.openai.com/docs/api-reference/responses
type responses struct {
	client  *client
	model   string
	dialect atomic.Pointer[responsesDialect]
}

// responsesDialect selects the optional fields to send. What a server refused and then
// answered without is left out of all later requests.
type responsesDialect struct {
	noTemperature bool
	noReasoning   bool
	noFormat      bool
}

func (d responsesDialect) adapt(err error) (responsesDialect, bool) {
	switch {
	case !d.noTemperature && refuses(err, "temperature"):
		d.noTemperature = true
	case !d.noReasoning && refuses(err, "include", "encrypted content", "encrypted_content"):
		d.noReasoning = true
	case !d.noFormat && (rejectsFormat(err) || refuses(err, "text.format")):
		d.noFormat = true
	default:
		return d, false
	}
	return d, true
}

func newResponses(s Settings) Provider {
	header := http.Header{}
	switch {
	case s.Key == "":
	case s.KeyHeader != "":
		header.Set(s.KeyHeader, s.Key)
	default:
		header.Set("Authorization", "Bearer "+s.Key)
	}
	r := &responses{client: newClient(s, "/responses", header), model: s.Model}
	r.dialect.Store(&responsesDialect{})
	return r
}

func (p *responses) Stream(ctx context.Context, request Request, onText func(string) error) (Reply, error) {
	accepted := *p.dialect.Load()
	current := accepted
	for {
		answer, err := p.client.post(ctx, p.body(request, current))
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
			p.dialect.Store(&current)
		}
		return readResponse(answer, onText)
	}
}

type responsesBody struct {
	Model           string          `json:"model"`
	Instructions    string          `json:"instructions,omitempty"`
	Input           []any           `json:"input"`
	Stream          bool            `json:"stream"`
	Store           bool            `json:"store"`
	Temperature     *float64        `json:"temperature,omitempty"`
	MaxOutputTokens int             `json:"max_output_tokens,omitempty"`
	Tools           []responsesTool `json:"tools,omitempty"`
	ToolChoice      string          `json:"tool_choice,omitempty"`
	Include         []string        `json:"include,omitempty"`
	Text            map[string]any  `json:"text,omitempty"`
}

// responsesTool is not strict: strict schemas allow no optional arguments.
type responsesTool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"`
}

// responsesItem is an entry of the conversation that is not a verbatim item of an
// earlier answer.
type responsesItem struct {
	Type      string  `json:"type,omitempty"`
	Role      string  `json:"role,omitempty"`
	Content   any     `json:"content,omitempty"`
	CallID    string  `json:"call_id,omitempty"`
	Name      string  `json:"name,omitempty"`
	Arguments string  `json:"arguments,omitempty"`
	Output    *string `json:"output,omitempty"`
}

func (p *responses) body(r Request, d responsesDialect) responsesBody {
	body := responsesBody{Model: p.model, Instructions: r.System, Stream: true, MaxOutputTokens: r.MaxTokens}
	for _, m := range r.Messages {
		body.Input = append(body.Input, responsesItems(m, d)...)
	}
	if !d.noTemperature {
		body.Temperature = &r.Temperature
	}
	if !d.noReasoning {
		body.Include = []string{"reasoning.encrypted_content"}
	}
	for _, f := range r.Functions {
		body.Tools = append(body.Tools, responsesTool{Type: "function", Name: f.Name, Description: f.Description, Parameters: f.Schema})
	}
	if r.NoCalls && len(r.Functions) > 0 {
		body.ToolChoice = "none"
	}
	if r.Format != nil && !d.noFormat {
		body.Text = map[string]any{"format": responsesFormat(*r.Format)}
	}
	return body
}

func responsesFormat(f Format) map[string]any {
	if len(f.Schema) == 0 {
		return map[string]any{"type": "json_object"}
	}
	return map[string]any{"type": "json_schema", "name": f.Name, "schema": f.Schema, "strict": f.Strict}
}

// responsesItems returns a message as the API has it: an answer with calls as the very
// items that it was, with the reasoning between them, unless the calls changed.
func responsesItems(m Message, d responsesDialect) []any {
	if m.Role == Tool {
		return []any{responsesItem{Type: "function_call_output", CallID: m.CallID, Output: &m.Text}}
	}
	if items := verbatimItems(m); items != nil && !d.noReasoning {
		return items
	}
	var items []any
	if strings.TrimSpace(m.Text) != "" || len(m.Images) > 0 {
		items = append(items, responsesItem{Role: string(m.Role), Content: responsesContent(m)})
	}
	for _, c := range m.Calls {
		items = append(items, responsesItem{Type: "function_call", CallID: c.ID, Name: c.Name, Arguments: objectText(c.Arguments)})
	}
	return items
}

// responsesContent returns a message's text, or its parts if it has images.
func responsesContent(m Message) any {
	if len(m.Images) == 0 {
		return m.Text
	}
	var parts []map[string]string
	if strings.TrimSpace(m.Text) != "" {
		parts = append(parts, map[string]string{"type": "input_text", "text": m.Text})
	}
	for _, image := range m.Images {
		parts = append(parts, map[string]string{"type": "input_image", "image_url": image.url()})
	}
	return parts
}

// verbatimItems returns the items of the answer that a message was, nil if its calls
// have got other ids since.
func verbatimItems(m Message) []any {
	var raw []json.RawMessage
	if len(m.Calls) == 0 || json.Unmarshal(m.Reasoning, &raw) != nil {
		return nil
	}
	var items []any
	calls := 0
	for _, item := range raw {
		var call struct {
			Type   string `json:"type"`
			CallID string `json:"call_id"`
		}
		if json.Unmarshal(item, &call) != nil {
			return nil
		}
		if call.Type == "function_call" {
			if calls >= len(m.Calls) || m.Calls[calls].ID != call.CallID {
				return nil
			}
			calls++
		}
		items = append(items, item)
	}
	if calls != len(m.Calls) {
		return nil
	}
	return items
}
