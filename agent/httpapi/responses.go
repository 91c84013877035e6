package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"agent.local/a0000000000000000/protocol"
)

// response is one answer in the format of OpenAI's Responses API. Nothing is stored.
// Protocol: https://platform.openai.com/docs/api-reference/responses
type response struct {
	server  *server
	request responseRequest
	format  *protocol.Format
	id      string
	item    string
	created int64
	usage   map[string]any
}

// responses serves clients of the Responses API.
func (s *server) responses(w http.ResponseWriter, r *http.Request, body []byte) {
	request, asked, err := s.parseResponse(body)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	answer := &response{
		server: s, request: request, format: asked.Format,
		id: "resp_" + rand.Text(), item: "msg_" + rand.Text(), created: time.Now().Unix(),
	}
	if request.Stream {
		answer.stream(r.Context(), w, asked)
		return
	}
	done, err := protocol.Handle(r.Context(), s.agent, asked.Encode(), answer.record)
	if err != nil {
		refusalOf(done).write(w)
		return
	}
	WriteJSON(w, http.StatusOK, answer.closed(done))
}

// record keeps the usage, which arrives before the closing event.
func (r *response) record(e protocol.Event, _ []byte) error {
	if e.Type == "usage" {
		r.usage = map[string]any{
			"input_tokens": e.Input, "output_tokens": e.Output, "total_tokens": e.Input + e.Output,
			"input_tokens_details":  map[string]int{"cached_tokens": 0},
			"output_tokens_details": map[string]int{"reasoning_tokens": 0},
		}
	}
	return nil
}

// object returns the response in a status. Clients expect every field.
func (r *response) object(status string, output ...any) map[string]any {
	format := any(map[string]string{"type": "text"})
	if r.format != nil {
		format = r.format
	}
	metadata := json.RawMessage("{}")
	if isGiven(r.request.Metadata) {
		metadata = r.request.Metadata
	}
	object := map[string]any{
		"id": r.id, "object": "response", "created_at": r.created, "status": status, "model": r.server.manifest.Handle,
		"output": append([]any{}, output...), "text": map[string]any{"format": format},
		"error": nil, "incomplete_details": nil, "instructions": nil, "max_output_tokens": nil,
		"previous_response_id": nil, "store": false, "background": false, "metadata": metadata,
		"tools": []any{}, "tool_choice": "auto", "parallel_tool_calls": true,
		"temperature": nil, "top_p": nil, "truncation": "disabled", "usage": nil, "user": nil,
		"reasoning": map[string]any{"effort": nil, "summary": nil},
	}
	if r.request.Instructions != "" {
		object["instructions"] = r.request.Instructions
	}
	if r.request.MaxOutputTokens > 0 {
		object["max_output_tokens"] = r.request.MaxOutputTokens
	}
	if r.usage != nil {
		object["usage"] = r.usage
	}
	return object
}

// closed returns the response with an answer.
func (r *response) closed(done protocol.Event) map[string]any {
	status := "completed"
	if openAIFinish(done.Finish) == "length" {
		status = "incomplete"
	}
	object := r.object(status, r.message(status, part(done.Text)))
	if status == "incomplete" {
		object["incomplete_details"] = map[string]string{"reason": "max_output_tokens"}
	} else {
		object["completed_at"] = time.Now().Unix()
	}
	return object
}

func (r *response) message(status string, content ...any) map[string]any {
	return map[string]any{
		"id": r.item, "type": "message", "role": "assistant", "status": status, "content": append([]any{}, content...),
	}
}

func part(text string) map[string]any {
	return map[string]any{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}
}
