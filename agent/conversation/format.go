package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/jsonschema"
	"agent.local/a0000000000000000/providers"
)

// formatSpec is the form of the answer as a request names it.
type formatSpec struct {
	Type   string          `json:"type"`
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict bool            `json:"strict"`
}

// format is the form that an answer must have.
type format struct {
	spec   formatSpec
	schema *jsonschema.Schema
	// isOwn marks the agent's own form, which its system prompt describes.
	isOwn bool
}

// formatOf returns the form that every answer of an agent has.
func formatOf(answer config.Answer) (*format, error) {
	f, err := newFormat(formatSpec{Type: "json_schema", Schema: json.RawMessage(answer.Schema), Strict: answer.Strict})
	if err != nil {
		return nil, fmt.Errorf("agent.json: answer: %w", err)
	}
	f.isOwn = true
	return f, nil
}

// isText reports that a request asks for no form, which needs no check.
func (s *formatSpec) isText() bool { return s == nil || s.Type == "" || s.Type == "text" }

func newFormat(spec formatSpec) (*format, error) {
	switch spec.Type {
	case "json_object":
		spec.Schema = nil
	case "json_schema":
		if len(spec.Schema) == 0 {
			return nil, badRequest("the format json_schema needs a schema")
		}
	default:
		return nil, badRequest("the format is %q; use text, json_object or json_schema", spec.Type)
	}
	if spec.Name == "" {
		spec.Name = "answer"
	}
	f := &format{spec: spec}
	raw := spec.Schema
	if raw == nil {
		raw = []byte(`{"type":"object"}`)
	}
	var err error
	if f.schema, err = jsonschema.Parse(raw); err != nil {
		return nil, badRequest("%v", err)
	}
	return f, nil
}

func (f *format) forProvider() *providers.Format {
	if f == nil {
		return nil
	}
	return &providers.Format{Name: f.spec.Name, Schema: f.spec.Schema, Strict: f.spec.Strict}
}

// prompt asks for the format in words, for providers whose protocol has none.
func (f *format) prompt() string {
	if f.spec.Schema == nil {
		return "Answer with one JSON object and nothing else: no Markdown and no explanation."
	}
	return "Answer with one JSON value and nothing else: no Markdown and no explanation. It must be valid against this JSON Schema:\n" +
		string(f.spec.Schema)
}

var fence = regexp.MustCompile("(?s)^```[a-zA-Z]*\\s*\n(.*?)\\s*```$")

// read returns the JSON of an answer, without the fence of a Markdown block around it.
func (f *format) read(text string) (string, error) {
	text = strings.TrimSpace(text)
	if match := fence.FindStringSubmatch(text); match != nil {
		text = match[1]
	}
	return text, f.schema.Check([]byte(text))
}

// system returns the system prompt with what the request adds to it.
func (t *turn) system() string {
	parts := []string{t.config.SystemPrompt}
	if instructions := strings.TrimSpace(t.asked.Instructions); instructions != "" {
		parts = append(parts, "The caller adds these instructions. Follow them where they do not contradict the ones above:\n"+instructions)
	}
	if f := t.asked.format; f != nil && !f.isOwn {
		if t.format != nil {
			parts = append(parts, "This answer has another form than the one above:")
		}
		parts = append(parts, f.prompt())
	}
	return strings.Join(parts, "\n\n")
}

func (t *turn) maxTokens() int {
	limit := t.config.Sampling.MaxTokens
	if asked := t.asked.MaxTokens; asked > 0 && asked < limit {
		return asked
	}
	return limit
}

// finishFormatted sends the answer if it has the requested form. Otherwise the model
// has one more try, with the reason. An answer that was cut is sent as it is.
func (t *turn) finishFormatted(ctx context.Context, reply providers.Reply) (doneEvent, error) {
	answer, err := t.asked.format.read(t.lastText())
	if err != nil && reply.Finish != providers.Length {
		t.messages = append(t.messages, providers.Message{Role: providers.User, Text: fmt.Sprintf(
			"Your answer does not have the requested form: %v. Send it again, corrected, as JSON only.", err)})
		if reply, err = t.ask(ctx, true); err != nil {
			return doneEvent{}, err
		}
		answer, err = t.asked.format.read(t.lastText())
	}
	switch {
	case reply.Finish == providers.Filtered:
		return doneEvent{}, failure(string(providers.Refused), "the provider's content filter stopped the answer")
	case answer == "":
		t.text.Reset()
		return doneEvent{}, t.emptyAnswer(reply)
	case err != nil && reply.Finish != providers.Length:
		return doneEvent{}, failure(codeFormat, fmt.Sprintf("the model did not answer in the requested form, also when asked again: %v", err))
	}
	t.text.Reset()
	t.text.WriteString(answer)
	return doneEvent{Finish: string(reply.Finish), Reason: reply.Reason}, t.out.send(tokenEvent{"token", answer})
}

// lastText returns the text of the model's last message.
func (t *turn) lastText() string { return t.messages[len(t.messages)-1].Text }
