package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"agent.local/a0000000000000000/protocol"
)

// models lists the agent as the only model.
func (s *server) models(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, map[string]any{
		"object": "list",
		"data":   []any{map[string]any{"id": s.manifest.Handle, "object": "model", "created": 0, "owned_by": "agentforge"}},
	})
}

// completion is one answer in the format of OpenAI's API. The agent runs its
// tools itself, so their calls do not appear.
type completion struct {
	server  *server
	id      string
	created int64
	usage   map[string]int
}

// completions serves clients written for OpenAI's API. It ignores the model,
// the sampling and the system messages of the request: the agent has its own.
func (s *server) completions(w http.ResponseWriter, r *http.Request, body []byte) {
	request, err := parseCompletion(body)
	if err != nil {
		WriteError(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	c := &completion{server: s, id: "chatcmpl-" + rand.Text(), created: time.Now().Unix()}
	if request.Stream {
		c.stream(w, r, request)
		return
	}
	done, err := protocol.Handle(r.Context(), s.agent, protocol.EncodeRequest(request.messages), c.record)
	if err != nil {
		WriteError(w, httpStatus(done.Code), done.Code, err.Error())
		return
	}
	answer := c.frame("chat.completion", map[string]any{
		"index": 0, "message": protocol.Message{Role: "assistant", Content: done.Text}, "finish_reason": openAIFinish(done.Finish),
	})
	answer["usage"] = c.usage
	WriteJSON(w, http.StatusOK, answer)
}

// record keeps the usage, which arrives before the closing event.
func (c *completion) record(e protocol.Event, _ []byte) error {
	if e.Type == "usage" {
		c.usage = map[string]int{
			"prompt_tokens": e.Input, "completion_tokens": e.Output, "total_tokens": e.Input + e.Output,
		}
	}
	return nil
}

func (c *completion) stream(w http.ResponseWriter, r *http.Request, request completionRequest) {
	out := NewStream(w)
	defer out.Close()
	role := "assistant"
	done, err := protocol.Handle(r.Context(), c.server.agent, protocol.EncodeRequest(request.messages), func(e protocol.Event, raw []byte) error {
		if e.Type != "token" {
			return c.record(e, raw)
		}
		delta := map[string]any{"content": e.Text}
		if role != "" {
			delta["role"], role = role, ""
		}
		return c.chunk(out, delta, nil)
	})
	if err != nil {
		failure := protocol.Event{Code: done.Code, Message: err.Error()}
		if !out.fail(failure) {
			encoded, _ := json.Marshal(map[string]any{"error": map[string]string{"code": done.Code, "message": err.Error()}})
			_ = out.Send(encoded)
		}
		return
	}
	_ = c.finish(out, done, request.StreamOptions.IncludeUsage)
}

func (c *completion) finish(out *Stream, done protocol.Event, withUsage bool) error {
	if err := c.chunk(out, map[string]any{}, openAIFinish(done.Finish)); err != nil {
		return err
	}
	if withUsage {
		frame := c.frame("chat.completion.chunk")
		frame["usage"] = c.usage
		encoded, _ := json.Marshal(frame)
		if err := out.Send(encoded); err != nil {
			return err
		}
	}
	return out.Send([]byte("[DONE]"))
}

func (c *completion) chunk(out *Stream, delta map[string]any, finish any) error {
	encoded, err := json.Marshal(c.frame("chat.completion.chunk", map[string]any{
		"index": 0, "delta": delta, "finish_reason": finish,
	}))
	if err != nil {
		return err
	}
	return out.Send(encoded)
}

func (c *completion) frame(object string, choices ...any) map[string]any {
	return map[string]any{
		"id": c.id, "object": object, "created": c.created, "model": c.server.manifest.Handle,
		"choices": append([]any{}, choices...),
	}
}

// openAIFinish returns the API's word for a finish. Of its words, only "length" says
// that an answer may be incomplete.
func openAIFinish(finish string) string {
	switch finish {
	case "length", "other":
		return "length"
	}
	return "stop"
}
