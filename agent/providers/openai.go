package providers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
)

func init() { Register("openai", newOpenAI) }

// openAI implements chat completions, the protocol of most model servers.
// Protocol: https://platform.openai.com/docs/api-reference/chat
type openAI struct {
	client *client
	model  string
	// foreign goes with each call of another provider's model.
	foreign json.RawMessage
	// anyObject is set if the server can be asked for a JSON object, but not for a schema.
	anyObject bool
	// Servers and models accept different fields. What a server refused and then
	// answered without is left out of all later requests.
	dialect atomic.Pointer[dialect]
}

func newOpenAI(s Settings) Provider {
	header := http.Header{}
	switch {
	case s.Key == "":
	case s.KeyHeader != "":
		header.Set(s.KeyHeader, s.Key)
	default:
		header.Set("Authorization", "Bearer "+s.Key)
	}
	o := &openAI{client: newClient(s, "/chat/completions", header), model: s.Model, foreign: s.ForeignCalls, anyObject: s.AnyObject}
	// OpenAI's newer models accept only max_completion_tokens, other servers
	// max_tokens. The agents of OpenAI do not say so: they are older than the field.
	o.dialect.Store(&dialect{maxCompletionTokens: s.Code == "openai" || s.MaxTokensField == "max_completion_tokens"})
	return o
}

func (o *openAI) Stream(ctx context.Context, request Request, onText func(string) error) (Reply, error) {
	accepted := *o.dialect.Load()
	current := accepted
	var first error
	for {
		answer, err := o.client.post(ctx, o.body(request, current))
		if adapted, ok := current.adapt(err); ok {
			if first == nil {
				first = err
			}
			current = adapted
			continue
		}
		if err != nil {
			return Reply{}, explainImages(request, explainTools(request, current.cause(first, err)))
		}
		defer answer.close()
		// A refused format may be this schema's fault, so that it says nothing about others.
		if current.noFormat = false; current != accepted {
			o.dialect.Store(&current)
		}
		return readChat(answer, onText)
	}
}

type chatBody struct {
	Model               string         `json:"model"`
	Messages            []chatMessage  `json:"messages"`
	Stream              bool           `json:"stream"`
	StreamOptions       map[string]any `json:"stream_options,omitempty"`
	Temperature         *float64       `json:"temperature,omitempty"`
	MaxTokens           int            `json:"max_tokens,omitempty"`
	MaxCompletionTokens int            `json:"max_completion_tokens,omitempty"`
	Tools               []chatTool     `json:"tools,omitempty"`
	ToolChoice          string         `json:"tool_choice,omitempty"`
	ResponseFormat      map[string]any `json:"response_format,omitempty"`
}

type chatMessage struct {
	Role       string     `json:"role"`
	Content    any        `json:"content"`
	ToolCalls  []chatCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
	chatReasoning
}

// chatReasoning are the fields in which servers send reasoning. Some demand them back
// with the results of the calls.
type chatReasoning struct {
	ReasoningContent string            `json:"reasoning_content,omitempty"`
	Reasoning        string            `json:"reasoning,omitempty"`
	ReasoningDetails []json.RawMessage `json:"reasoning_details,omitempty"`
}

type chatCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
	// Extra is Google's signature of the thoughts that led to the call.
	Extra json.RawMessage `json:"extra_content,omitempty"`
}

type chatFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type chatTool struct {
	Type     string         `json:"type"`
	Function map[string]any `json:"function"`
}

func (o *openAI) body(r Request, d dialect) chatBody {
	body := chatBody{Model: o.model, Messages: o.messages(r, d), Stream: true}
	if !d.noUsage {
		body.StreamOptions = map[string]any{"include_usage": true}
	}
	if !d.noTemperature {
		body.Temperature = &r.Temperature
	}
	if d.maxCompletionTokens {
		body.MaxCompletionTokens = r.MaxTokens
	} else {
		body.MaxTokens = r.MaxTokens
	}
	for _, f := range r.Functions {
		body.Tools = append(body.Tools, chatTool{Type: "function", Function: map[string]any{
			"name": f.Name, "description": f.Description, "parameters": json.RawMessage(f.Schema),
		}})
	}
	if r.NoCalls && len(r.Functions) > 0 {
		body.ToolChoice = "none"
	}
	if r.Format != nil && !d.noFormat {
		body.ResponseFormat = o.responseFormat(*r.Format)
	}
	return body
}

func (o *openAI) responseFormat(f Format) map[string]any {
	if len(f.Schema) == 0 || o.anyObject {
		return map[string]any{"type": "json_object"}
	}
	return map[string]any{"type": "json_schema", "json_schema": map[string]any{
		"name": f.Name, "schema": f.Schema, "strict": f.Strict,
	}}
}

func (o *openAI) messages(r Request, d dialect) []chatMessage {
	var list []chatMessage
	prefix := ""
	switch {
	case r.System == "":
	case d.noSystem:
		prefix = r.System + "\n\n"
	default:
		list = append(list, chatMessage{Role: "system", Content: r.System})
	}
	for _, m := range r.Messages {
		if m.Role == User {
			m.Text, prefix = prefix+m.Text, ""
		}
		entry := chatEntry(m, d)
		for i := range entry.ToolCalls {
			if m.Foreign {
				entry.ToolCalls[i].Extra = o.foreign
			}
		}
		list = append(list, entry)
	}
	return list
}

// chatContent returns a message's text, or its parts if it has images.
func chatContent(m Message) any {
	if len(m.Images) == 0 {
		return m.Text
	}
	var parts []map[string]any
	if strings.TrimSpace(m.Text) != "" {
		parts = append(parts, map[string]any{"type": "text", "text": m.Text})
	}
	for _, image := range m.Images {
		parts = append(parts, map[string]any{"type": "image_url", "image_url": map[string]string{"url": image.url()}})
	}
	return parts
}

func chatEntry(m Message, d dialect) chatMessage {
	entry := chatMessage{Role: string(m.Role), ToolCallID: m.CallID}
	if m.Text != "" || len(m.Calls) == 0 || len(m.Images) > 0 {
		entry.Content = chatContent(m)
	}
	for _, c := range m.Calls {
		entry.ToolCalls = append(entry.ToolCalls, chatCall{
			ID: c.ID, Type: "function", Function: chatFunction{Name: c.Name, Arguments: objectText(c.Arguments)}, Extra: c.Extra,
		})
	}
	if len(m.Reasoning) > 0 && !d.noReasoning {
		_ = json.Unmarshal(m.Reasoning, &entry.chatReasoning)
	}
	return entry
}
