package providers

import (
	"encoding/json"
	"strings"

	"agent.local/a0000000000000000/sse"
)

// chatChunk is one event of a stream, or a whole answer.
type chatChunk struct {
	Choices optional[[]chatChoice] `json:"choices"`
	Usage   optional[chatTokens]   `json:"usage"`
	Error   json.RawMessage        `json:"error"`
}

// chatChoice has Delta in a stream and Message in a whole answer. Some servers send
// both in each event, with Message growing.
type chatChoice struct {
	Index        optional[count]     `json:"index"`
	Delta        optional[chatDelta] `json:"delta"`
	Message      optional[chatDelta] `json:"message"`
	FinishReason rawText             `json:"finish_reason"`
}

type chatTokens struct {
	PromptTokens     count `json:"prompt_tokens"`
	CompletionTokens count `json:"completion_tokens"`
}

type chatDelta struct {
	Content          chatText                    `json:"content"`
	Refusal          rawText                     `json:"refusal"`
	ReasoningContent rawText                     `json:"reasoning_content"`
	Reasoning        rawText                     `json:"reasoning"`
	ReasoningDetails optional[[]json.RawMessage] `json:"reasoning_details"`
	ToolCalls        optional[[]chatCallDelta]   `json:"tool_calls"`
}

func (d chatDelta) text() string {
	if d.Content.text != "" {
		return d.Content.text
	}
	return string(d.Refusal)
}

func (d chatDelta) reasons() bool {
	return d.Content.reasons || d.ReasoningContent != "" || d.Reasoning != "" || len(d.ReasoningDetails.value) > 0
}

func (d chatDelta) isEmpty() bool {
	return d.text() == "" && !d.reasons() && len(d.ToolCalls.value) == 0
}

// chatText is a string or, from some reasoning models, a list of parts, of which
// only the text is for the user.
type chatText struct {
	text    string
	reasons bool
}

func (t *chatText) UnmarshalJSON(raw []byte) error {
	var parts []struct {
		Type rawText `json:"type"`
		Text rawText `json:"text"`
	}
	if raw[0] != '[' || json.Unmarshal(raw, &parts) != nil {
		var text rawText
		_ = text.UnmarshalJSON(raw)
		t.text = string(text)
		return nil
	}
	for _, part := range parts {
		switch part.Type {
		case "text", "output_text":
			t.text += string(part.Text)
		case "thinking", "reasoning":
			t.reasons = true
		}
	}
	return nil
}

// chatReader assembles a reply from its chunks.
type chatReader struct {
	answer *answer
	onText func(string) error
	calls  chatCalls
	finish string
	reply  Reply
	// first is the index of the only choice that is read.
	first optional[count]
	// deltas is set once a delta had content: messages then repeat it.
	deltas bool
	// odd is an event that has no choices, for the error if none follow.
	odd         string
	messageText string
	// The reasoning to send back, in the fields that it arrived in.
	reasoningContent, reasoning strings.Builder
	reasoningDetails            []json.RawMessage
}

func readChat(a *answer, onText func(string) error) (Reply, error) {
	r := &chatReader{answer: a, onText: onText}
	if err := a.events(r.event); err != nil {
		return Reply{}, err
	}
	if !r.first.set && r.odd != "" {
		return Reply{}, a.protocolError(r.odd)
	}
	if err := a.end(&r.reply, r.finish); err != nil {
		return Reply{}, err
	}
	r.reply.Calls = r.calls.result()
	if r.reasoningContent.Len()+r.reasoning.Len()+len(r.reasoningDetails) > 0 {
		r.reply.Reasoning, _ = json.Marshal(chatReasoning{
			wholeText(r.reasoningContent.String()), wholeText(r.reasoning.String()), r.reasoningDetails,
		})
	}
	return r.reply, nil
}

func (r *chatReader) event(e sse.Event) (bool, error) {
	var chunk chatChunk
	if json.Unmarshal([]byte(e.Data), &chunk) != nil {
		return false, r.answer.protocolError(e.Data)
	}
	if isFault([]byte(e.Data)) {
		return false, streamFault([]byte(e.Data))
	}
	if chunk.Usage.set {
		r.reply.Usage = Usage{Input: int(chunk.Usage.value.PromptTokens), Output: int(chunk.Usage.value.CompletionTokens)}
	}
	if !chunk.Choices.set && !chunk.Usage.set && e.Data != "{}" {
		r.odd = e.Data
	}
	for _, choice := range chunk.Choices.value {
		if !r.first.set {
			r.first = optional[count]{choice.Index.value, true}
		}
		if choice.Index.value != r.first.value {
			continue
		}
		if err := r.choice(choice); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (r *chatReader) choice(choice chatChoice) error {
	if reason := string(choice.FinishReason); reason != "" && reason != "null" {
		r.finish = reason
		r.answer.finished()
	}
	switch {
	case !choice.Delta.value.isEmpty():
		r.deltas = true
		return r.delta(choice.Delta.value)
	case choice.Message.set && !r.deltas:
		return r.message(choice.Message.value)
	}
	return nil
}

func (r *chatReader) delta(d chatDelta) error {
	for _, part := range d.ToolCalls.value {
		r.calls.add(part)
	}
	r.reply.Reasoned = r.reply.Reasoned || d.reasons()
	r.reasoningContent.WriteString(string(d.ReasoningContent))
	r.reasoning.WriteString(string(d.Reasoning))
	r.reasoningDetails = append(r.reasoningDetails, d.ReasoningDetails.value...)
	if r.answer.complete {
		r.answer.finished()
	}
	if text := d.text(); text != "" {
		return r.onText(text)
	}
	return nil
}

// message reads a whole message, or one that grows from event to event.
func (r *chatReader) message(m chatDelta) error {
	if r.answer.whole && (m.text() != "" || len(m.ToolCalls.value) > 0) {
		r.answer.finished()
	}
	text := m.text()
	added := strings.TrimPrefix(text, r.messageText)
	r.messageText, r.calls, r.reasoningDetails = text, nil, nil
	r.reasoningContent.Reset()
	r.reasoning.Reset()
	m.Content, m.Refusal = chatText{text: added, reasons: m.Content.reasons}, ""
	return r.delta(m)
}
