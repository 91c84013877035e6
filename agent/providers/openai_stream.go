package providers

import (
	"encoding/json"
	"strings"

	"agent.local/a0000000000000000/sse"
)

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
	odd string
	// seen is what the last chunk with nothing but text has around it.
	seen        repeat
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
			wholeText(r.reasoningContent.String()), wholeText(r.reasoning.String()), wholeDetails(r.reasoningDetails),
		})
	}
	return r.reply, nil
}

func (r *chatReader) event(e sse.Event) (bool, error) {
	var chunk chatChunk
	if json.Unmarshal([]byte(e.Data), &chunk) != nil {
		return false, r.answer.protocolError(e.Data)
	}
	if chunk.mayBeFault() && isFault([]byte(e.Data)) {
		return false, streamFault([]byte(e.Data))
	}
	r.count(chunk.Groq.Usage)
	r.count(chunk.Usage)
	if !chunk.Choices.set && !chunk.Usage.set && e.Data != "{}" {
		r.odd = e.Data
	}
	for _, choice := range chunk.Choices.values {
		if !r.first.set {
			r.first = optional[count]{lowestIndex(chunk.Choices.values), true}
		}
		r.count(choice.Usage)
		if choice.Index.value != r.first.value {
			continue
		}
		if err := r.choice(choice); err != nil {
			return false, err
		}
	}
	r.learn(e.Data, chunk)
	return false, nil
}

func lowestIndex(choices []chatChoice) count {
	lowest := choices[0].Index.value
	for _, choice := range choices {
		lowest = min(lowest, choice.Index.value)
	}
	return lowest
}

// count keeps the latest numbers, which are running totals.
func (r *chatReader) count(usage optional[chatTokens]) {
	tokens := usage.value
	if input := max(tokens.PromptTokens, tokens.InputTokens); input > 0 {
		r.reply.Usage.Input = int(input)
	}
	if output := max(tokens.CompletionTokens, tokens.OutputTokens); output > 0 {
		r.reply.Usage.Output = int(output)
	}
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
	case choice.Message.set && len(r.calls) == 0:
		// The message repeats the text, but the calls are in no delta.
		r.calls.addAll(choice.Message.value.calls())
	case choice.Text != "":
		return r.onText(string(choice.Text))
	}
	return nil
}

func (r *chatReader) delta(d chatDelta) error {
	r.calls.addAll(d.calls())
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
	if r.answer.whole && (m.text() != "" || len(m.calls()) > 0) {
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
