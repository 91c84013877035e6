package providers

import (
	"encoding/json"
	"strings"

	"agent.local/a0000000000000000/sse"
)

// The most blocks whose fragments are assembled; later ones pass their text only.
const maxBlocks = 256

// messageReader assembles a reply from its events.
type messageReader struct {
	answer *answer
	onText func(string) error
	blocks []*messagePart
	calls  int
	reply  Reply
	stop   string
}

// messagePart is a block that is being assembled: a call or reasoning.
type messagePart struct {
	index int
	block contentBlock
	// content are the fragments of the input or of the reasoning.
	content, signature strings.Builder
	// startText is the text that the block began with, until its first fragment.
	startText string
}

func readMessage(a *answer, onText func(string) error) (Reply, error) {
	r := &messageReader{answer: a, onText: onText}
	if err := a.events(r.event); err != nil {
		return Reply{}, err
	}
	for _, part := range r.blocks {
		if err := r.flushText(part); err != nil {
			return Reply{}, err
		}
	}
	if err := a.end(&r.reply, r.stop); err != nil {
		return Reply{}, err
	}
	r.assemble()
	return r.reply, nil
}

func (r *messageReader) event(e sse.Event) (bool, error) {
	var event messagesEvent
	if json.Unmarshal([]byte(e.Data), &event) != nil {
		return false, r.answer.protocolError(e.Data)
	}
	if isFault([]byte(e.Data)) {
		return false, streamFault([]byte(e.Data))
	}
	switch kind := event.kind(e.Name); kind {
	case "message_start":
		r.count(event.Message.value.Usage.value)
	case "content_block_start":
		return false, r.start(int(event.Index), event.ContentBlock.value)
	case "content_block_delta":
		return false, r.delta(int(event.Index), event.Delta.value)
	case "content_block_stop":
		return false, r.flushText(r.part(int(event.Index)))
	case "message_delta":
		r.count(event.Usage.value)
		r.stopped(event.Delta.value.StopReason)
	case "message_stop":
		r.answer.finished()
		return true, nil
	case "message":
		return true, r.message(event)
	}
	return false, nil
}

// message reads the answer of a server that ignores "stream".
func (r *messageReader) message(event messagesEvent) error {
	r.count(event.Usage.value)
	r.answer.finished()
	r.stopped(event.StopReason)
	for index, block := range event.Content {
		if err := r.start(index, block); err != nil {
			return err
		}
	}
	return nil
}

func (r *messageReader) stopped(reason rawText) {
	if reason != "" {
		r.stop = string(reason)
		r.answer.finished()
	}
}

func (r *messageReader) start(index int, block contentBlock) error {
	if err := r.flushText(r.part(index)); err != nil {
		return err
	}
	if len(r.blocks) >= maxBlocks {
		return r.onText(string(block.Text))
	}
	part := &messagePart{index: index, block: block}
	switch block.Type {
	case "tool_use":
		if r.calls++; r.calls > maxCalls {
			return nil
		}
	case "thinking", "redacted_thinking":
		r.reply.Reasoned = true
		part.content.WriteString(string(block.Thinking))
		part.signature.WriteString(string(block.Signature))
	case "text":
		part.startText = string(block.Text)
	default:
		return nil
	}
	r.blocks = append(r.blocks, part)
	return nil
}

func (r *messageReader) part(index int) *messagePart {
	for i := len(r.blocks) - 1; i >= 0; i-- {
		if r.blocks[i].index == index {
			return r.blocks[i]
		}
	}
	return nil
}

// flushText passes on the text that a block began with. It is usually empty; a server
// that streams may repeat it in the first fragment.
func (r *messageReader) flushText(part *messagePart) error {
	if part == nil || part.startText == "" {
		return nil
	}
	text := part.startText
	part.startText = ""
	return r.onText(text)
}

func (r *messageReader) delta(index int, d messagesDelta) error {
	part := r.part(index)
	if r.answer.complete {
		r.answer.finished()
	}
	partial := argumentText(d.PartialJSON)
	switch d.kind() {
	case "text_delta":
		if part != nil && strings.HasPrefix(string(d.Text), part.startText) {
			part.startText = ""
		}
		if err := r.flushText(part); err != nil || d.Text == "" {
			return err
		}
		return r.onText(string(d.Text))
	case "input_json_delta":
		if part != nil && part.content.Len()+len(partial) <= maxCallArguments {
			part.content.WriteString(partial)
		}
	case "thinking_delta", "signature_delta":
		r.reply.Reasoned = true
		if part != nil {
			part.content.WriteString(string(d.Thinking))
			part.signature.WriteString(string(d.Signature))
		}
	}
	return nil
}

// assemble adds the calls and the reasoning to the reply.
func (r *messageReader) assemble() {
	var reasoning []messagesBlock
	for _, part := range r.blocks {
		block, content := part.block, part.content.String()
		switch block.Type {
		case "tool_use":
			// The input is usually empty at the start, and follows in fragments.
			if input := argumentText(block.Input); content == "" && input != "{}" {
				content = input
			}
			name := strings.TrimSpace(string(block.Name))
			r.reply.Calls = append(r.reply.Calls, Call{ID: string(block.ID), Name: name, Arguments: wholeArguments(content, "")})
		case "thinking":
			thinking := wholeText(content)
			reasoning = append(reasoning, messagesBlock{Type: "thinking", Thinking: &thinking, Signature: part.signature.String()})
		case "redacted_thinking":
			reasoning = append(reasoning, messagesBlock{Type: "redacted_thinking", Data: string(block.Data)})
		}
	}
	if reasoning != nil {
		r.reply.Reasoning, _ = json.Marshal(reasoning)
	}
}

// count keeps the latest numbers, which are running totals. Most versions of the
// API send those of the input only at the start.
func (r *messageReader) count(u messagesUsage) {
	if input := u.InputTokens + u.CacheCreation + u.CacheRead; input > 0 {
		r.reply.Usage.Input = int(input)
	}
	if u.OutputTokens > 0 {
		r.reply.Usage.Output = int(u.OutputTokens)
	}
}
