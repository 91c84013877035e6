package cli

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"
)

// models lists the agent as the one model there is.
func (a *api) models(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"object": "list",
		"data":   []any{map[string]any{"id": a.about.Handle, "object": "model", "created": 0, "owned_by": "agentforge"}},
	})
}

// completion is one answer in the shape of OpenAI's API. The agent's tools run
// on this side and don't show in it.
type completion struct {
	api     *api
	id      string
	created int64
	usage   map[string]int
}

// completions serves clients written for OpenAI's API. The model's name and
// sampling of the request, and messages of the system, are ignored: the agent
// has its own.
func (a *api) completions(w http.ResponseWriter, r *http.Request, body []byte) {
	request, err := parseCompletion(body)
	if err != nil {
		fail(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	c := &completion{api: a, id: "chatcmpl-" + rand.Text(), created: time.Now().Unix()}
	if request.Stream {
		c.stream(w, r, request)
		return
	}
	done, err := converse(r.Context(), a.agent, request.messages, c.note)
	if err != nil {
		fail(w, httpStatus(done.Code), done.Code, err.Error())
		return
	}
	answer := c.frame("chat.completion", map[string]any{
		"index": 0, "message": message{"assistant", done.Text}, "finish_reason": openAIFinish(done.Finish),
	})
	answer["usage"] = c.usage
	writeJSON(w, http.StatusOK, answer)
}

// note keeps the usage, which comes before the end.
func (c *completion) note(e event) error {
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
	done, err := converse(r.Context(), c.api.agent, request.messages, func(e event) error {
		if e.Type != "token" {
			return c.note(e)
		}
		delta := map[string]any{"content": e.Text}
		if role != "" {
			delta["role"], role = role, ""
		}
		return c.chunk(out, delta, nil)
	})
	if err != nil {
		failed := event{Code: done.Code, Message: err.Error()}
		if !out.refuse(failed) {
			encoded, _ := json.Marshal(map[string]any{"error": map[string]string{"code": done.Code, "message": err.Error()}})
			_ = out.Send(encoded)
		}
		return
	}
	_ = c.finish(out, done, request.StreamOptions.IncludeUsage)
}

func (c *completion) finish(out *Stream, done event, withUsage bool) error {
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
		"id": c.id, "object": object, "created": c.created, "model": c.api.about.Handle,
		"choices": append([]any{}, choices...),
	}
}

func openAIFinish(finish string) string {
	if finish == "length" {
		return "length"
	}
	return "stop"
}
