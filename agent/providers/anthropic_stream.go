package providers

import (
	"encoding/json"
	"strings"

	"agent.local/a0000000000000000/sse"
)

// messagesEvent is any event of a Messages stream. The protocol requires clients
// to skip unknown events and blocks.
type messagesEvent struct {
	Type    string `json:"type"`
	Index   int    `json:"index"`
	Message struct {
		Usage messagesUsage `json:"usage"`
	} `json:"message"`
	ContentBlock struct {
		Type  string          `json:"type"`
		ID    string          `json:"id"`
		Name  string          `json:"name"`
		Text  string          `json:"text"`
		Input json.RawMessage `json:"input"`
	} `json:"content_block"`
	Delta struct {
		Type        string `json:"type"`
		Text        string `json:"text"`
		PartialJSON string `json:"partial_json"`
		StopReason  string `json:"stop_reason"`
	} `json:"delta"`
	Usage messagesUsage `json:"usage"`
}

type messagesUsage struct {
	InputTokens   int `json:"input_tokens"`
	CacheCreation int `json:"cache_creation_input_tokens"`
	CacheRead     int `json:"cache_read_input_tokens"`
	OutputTokens  int `json:"output_tokens"`
}

// messageReader assembles a reply from its events.
type messageReader struct {
	answer *answer
	onText func(string) error
	calls  []*messageCall
	reply  Reply
	stop   string
}

type messageCall struct {
	index    int
	id, name string
	input    strings.Builder
}

func readMessage(a *answer, onText func(string) error) (Reply, error) {
	r := &messageReader{answer: a, onText: onText, reply: Reply{Finish: Stop}}
	if err := a.events(r.event); err != nil {
		return Reply{}, err
	}
	for _, call := range r.calls {
		r.reply.Calls = append(r.reply.Calls, Call{ID: call.id, Name: call.name, Arguments: call.input.String()})
	}
	switch r.stop {
	case "max_tokens", "model_context_window_exceeded":
		r.reply.Finish = Length
	case "refusal":
		r.reply.Finish = Filtered
	}
	return r.reply, nil
}

func (r *messageReader) event(e sse.Event) (bool, error) {
	var event messagesEvent
	if json.Unmarshal([]byte(e.Data), &event) != nil {
		return false, r.answer.protocolError(e.Data)
	}
	switch event.Type {
	case "message_start":
		r.count(event.Message.Usage)
	case "content_block_start":
		return false, r.start(event)
	case "content_block_delta":
		return false, r.delta(event)
	case "message_delta":
		r.count(event.Usage)
		r.stop = event.Delta.StopReason
	case "message_stop":
		return true, nil
	case "error":
		return false, streamFault([]byte(e.Data))
	}
	return false, nil
}

func (r *messageReader) start(event messagesEvent) error {
	block := event.ContentBlock
	if block.Type == "tool_use" && len(r.calls) < maxCalls {
		call := &messageCall{index: event.Index, id: block.ID, name: block.Name}
		// Usually empty: the input follows in fragments.
		if input := string(block.Input); input != "{}" && input != "null" {
			call.input.WriteString(input)
		}
		r.calls = append(r.calls, call)
	}
	if block.Type == "text" && block.Text != "" {
		return r.onText(block.Text)
	}
	return nil
}

func (r *messageReader) delta(event messagesEvent) error {
	switch event.Delta.Type {
	case "text_delta":
		if event.Delta.Text != "" {
			return r.onText(event.Delta.Text)
		}
	case "input_json_delta":
		for _, call := range r.calls {
			if call.index == event.Index {
				call.input.WriteString(event.Delta.PartialJSON)
			}
		}
	}
	return nil
}

// count keeps the latest numbers, which are running totals. Most versions of the
// API send those of the input only at the start.
func (r *messageReader) count(u messagesUsage) {
	if input := u.InputTokens + u.CacheCreation + u.CacheRead; input > 0 {
		r.reply.Usage.Input = input
	}
	if u.OutputTokens > 0 {
		r.reply.Usage.Output = u.OutputTokens
	}
}
