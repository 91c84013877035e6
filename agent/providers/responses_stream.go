package providers

import (
	"encoding/json"
	"strings"

	"agent.local/a0000000000000000/sse"
)

// The most items of one answer that are kept; the rest is dropped.
const maxItems = 256

// responsesEvent is any event of a stream; clients skip those that they don't know.
type responsesEvent struct {
	Type     rawText                 `json:"type"`
	Object   rawText                 `json:"object"`
	Delta    rawText                 `json:"delta"`
	Item     json.RawMessage         `json:"item"`
	Response optional[wholeResponse] `json:"response"`
	// Of an answer that is not streamed.
	wholeResponse
}

type wholeResponse struct {
	Status rawText                   `json:"status"`
	Error  json.RawMessage           `json:"error"`
	Output list[json.RawMessage]     `json:"output"`
	Usage  optional[responsesTokens] `json:"usage"`
	// Incomplete says why an answer was cut.
	Incomplete struct {
		Reason rawText `json:"reason"`
	} `json:"incomplete_details"`
}

type responsesTokens struct {
	Input  count `json:"input_tokens"`
	Output count `json:"output_tokens"`
}

// outputItem is an item of an answer: a message, a call or reasoning.
type outputItem struct {
	Type      rawText            `json:"type"`
	CallID    rawText            `json:"call_id"`
	ID        rawText            `json:"id"`
	Name      rawText            `json:"name"`
	Arguments json.RawMessage    `json:"arguments"`
	Content   list[responsePart] `json:"content"`
}

type responsePart struct {
	Text    rawText `json:"text"`
	Refusal rawText `json:"refusal"`
}

// responseReader assembles a reply from its events.
type responseReader struct {
	answer *answer
	onText func(string) error
	// items are the finished ones, as the server sent them.
	items    []json.RawMessage
	streamed bool
	stop     string
	reply    Reply
}

func readResponse(a *answer, onText func(string) error) (Reply, error) {
	r := &responseReader{answer: a, onText: onText}
	if err := a.events(r.event); err != nil {
		return Reply{}, err
	}
	if err := a.end(&r.reply, r.stop); err != nil {
		return Reply{}, err
	}
	return r.reply, r.assemble()
}

func (r *responseReader) event(e sse.Event) (bool, error) {
	var event responsesEvent
	if json.Unmarshal([]byte(e.Data), &event) != nil {
		return false, r.answer.protocolError(e.Data)
	}
	kind := string(event.Type)
	if kind == "" && event.Object == "response" {
		return true, r.finish(event.wholeResponse)
	}
	switch kind {
	case "response.output_text.delta", "response.refusal.delta":
		r.streamed = true
		return false, r.onText(string(event.Delta))
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		r.reply.Reasoned = true
	case "response.output_item.done":
		if len(r.items) < maxItems {
			r.items = append(r.items, event.Item)
		}
	case "response.completed", "response.incomplete", "response.failed":
		return true, r.finish(event.Response.value)
	case "":
		return false, r.answer.protocolError(e.Data)
	default:
		if isFault([]byte(e.Data)) {
			return false, streamFault([]byte(e.Data))
		}
	}
	return false, nil
}

func (r *responseReader) finish(whole wholeResponse) error {
	if isSet(whole.Error) {
		fault, _ := json.Marshal(map[string]json.RawMessage{"error": whole.Error})
		return streamFault(fault)
	}
	r.answer.finished()
	r.stop = string(whole.Status)
	if whole.Incomplete.Reason != "" {
		r.stop = string(whole.Incomplete.Reason)
	}
	r.reply.Usage = Usage{Input: int(whole.Usage.value.Input), Output: int(whole.Usage.value.Output)}
	if len(r.items) == 0 {
		r.items = whole.Output.values[:min(len(whole.Output.values), maxItems)]
	}
	return nil
}

// assemble adds the calls and the reasoning to the reply, and the text of an answer that
// was not streamed.
func (r *responseReader) assemble() error {
	for _, raw := range r.items {
		var item outputItem
		if json.Unmarshal(raw, &item) != nil {
			continue
		}
		switch item.Type {
		case "reasoning":
			r.reply.Reasoned = true
		case "function_call":
			if len(r.reply.Calls) < maxCalls {
				r.reply.Calls = append(r.reply.Calls, item.call())
			}
		case "message":
			for _, part := range item.Content.values {
				if text := string(part.Text) + string(part.Refusal); text != "" && !r.streamed {
					if err := r.onText(text); err != nil {
						return err
					}
				}
			}
		}
	}
	if len(r.reply.Calls) > 0 {
		r.reply.Reasoning, _ = json.Marshal(r.items)
	}
	return nil
}

func (i outputItem) call() Call {
	id := string(i.CallID)
	if id == "" {
		id = string(i.ID)
	}
	arguments := wholeArguments(argumentText(i.Arguments), "")
	return Call{ID: id, Name: strings.TrimSpace(string(i.Name)), Arguments: arguments}
}
