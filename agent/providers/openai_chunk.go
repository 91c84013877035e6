package providers

import "encoding/json"

// chatChunk is one event of a stream, or a whole answer.
type chatChunk struct {
	Choices list[chatChoice]     `json:"choices"`
	Usage   optional[chatTokens] `json:"usage"`
	Groq    struct {
		Usage optional[chatTokens] `json:"usage"`
	} `json:"x_groq"`
	Error  json.RawMessage `json:"error"`
	Object rawText         `json:"object"`
	Type   rawText         `json:"type"`
}

// mayBeFault is false for a chunk that isFault need not read again.
func (c chatChunk) mayBeFault() bool {
	return len(c.Choices.values) == 0 || isSet(c.Error) || c.Object == "error" || c.Type == "error"
}

// chatChoice has Delta in a stream and Message in a whole answer. Some servers send
// both in each event, with Message growing.
type chatChoice struct {
	Index        optional[count]     `json:"index"`
	Delta        optional[chatDelta] `json:"delta"`
	Message      optional[chatDelta] `json:"message"`
	FinishReason rawText             `json:"finish_reason"`
	// Text is that of a completion, from servers that mistake the kind of the answer.
	Text  rawText              `json:"text"`
	Usage optional[chatTokens] `json:"usage"`
}

// chatTokens has the names of chat completions and those of later protocols.
type chatTokens struct {
	PromptTokens     count `json:"prompt_tokens"`
	CompletionTokens count `json:"completion_tokens"`
	InputTokens      count `json:"input_tokens"`
	OutputTokens     count `json:"output_tokens"`
}

type chatDelta struct {
	Content          chatText                    `json:"content"`
	Refusal          rawText                     `json:"refusal"`
	ReasoningContent rawText                     `json:"reasoning_content"`
	Reasoning        rawText                     `json:"reasoning"`
	ReasoningDetails optional[[]json.RawMessage] `json:"reasoning_details"`
	// Other names of reasoning, which no server wants back.
	Thinking      json.RawMessage     `json:"thinking"`
	ReasoningText json.RawMessage     `json:"reasoning_text"`
	ToolCalls     list[chatCallDelta] `json:"tool_calls"`
	// FunctionCall is the call of servers of an older protocol.
	FunctionCall optional[chatFunctionDelta] `json:"function_call"`
}

// calls returns the fragments of calls.
func (d chatDelta) calls() []chatCallDelta {
	if len(d.ToolCalls.values) == 0 && d.FunctionCall.set {
		return []chatCallDelta{{chatFunctionDelta: d.FunctionCall.value}}
	}
	return d.ToolCalls.values
}

func (d chatDelta) text() string {
	if d.Content.text != "" {
		return d.Content.text
	}
	return string(d.Refusal)
}

func (d chatDelta) reasons() bool {
	return d.Content.reasons || d.ReasoningContent != "" || d.Reasoning != "" || len(d.ReasoningDetails.value) > 0 ||
		isSet(d.Thinking) || isSet(d.ReasoningText)
}

func (d chatDelta) isEmpty() bool {
	return d.text() == "" && !d.reasons() && len(d.calls()) == 0
}

// chatText is a string or, from some reasoning models, a list of parts, of which
// only the text is for the user.
type chatText struct {
	text    string
	reasons bool
}

func (t *chatText) UnmarshalJSON(raw []byte) error {
	if raw[0] != '[' && raw[0] != '{' {
		var text rawText
		_ = text.UnmarshalJSON(raw)
		t.text = string(text)
		return nil
	}
	var parts list[chatPart]
	_ = parts.UnmarshalJSON(raw)
	for _, part := range parts.values {
		switch part.Type {
		case "", "text", "output_text":
			t.text += string(part.Text)
		case "thinking", "reasoning":
			t.reasons = true
		}
	}
	return nil
}

// chatPart is a part of a text: an object, or only its text.
type chatPart struct {
	Type rawText `json:"type"`
	Text rawText `json:"text"`
}

func (p *chatPart) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		return p.Text.UnmarshalJSON(raw)
	}
	type plain chatPart
	return json.Unmarshal(raw, (*plain)(p))
}
