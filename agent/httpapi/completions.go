package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"agent.local/a0000000000000000/protocol"
)

// completion is one answer in the format of OpenAI's API. The agent runs its
// tools itself, so their calls do not appear.
type completion struct {
	server  *server
	id      string
	created int64
	usage   map[string]int
	// wantsUsage is set in a stream that ends with the usage.
	wantsUsage bool
	// before and after are what all chunks have around their text but the first.
	before, after []byte
}

// completions serves clients written for OpenAI's API.
func (s *server) completions(w http.ResponseWriter, r *http.Request, body []byte) {
	request, asked, err := s.parseCompletion(body)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	c := &completion{server: s, id: "chatcmpl-" + rand.Text(), created: time.Now().Unix()}
	if request.Stream {
		c.wantsUsage = request.StreamOptions.IncludeUsage
		c.stream(r.Context(), w, asked)
		return
	}
	done, err := protocol.Handle(r.Context(), s.agent, asked.Encode(), c.record)
	if err != nil {
		refusalOf(done).write(w)
		return
	}
	answer := c.frame("chat.completion", map[string]any{
		"index": 0, "logprobs": nil, "finish_reason": openAIFinish(done.Finish),
		"message": map[string]any{"role": "assistant", "content": done.Text, "refusal": nil},
	})
	answer["usage"] = c.usage
	WriteJSON(w, http.StatusOK, answer)
}

// writeRefusal answers with the error of a request.
func writeRefusal(w http.ResponseWriter, err error) {
	if refused, ok := err.(*refusal); ok {
		refused.write(w)
		return
	}
	WriteError(w, http.StatusBadRequest, "bad_request", err.Error())
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

func (c *completion) stream(ctx context.Context, w http.ResponseWriter, asked protocol.Request) {
	out := NewStream(w)
	defer out.Close()
	role := "assistant"
	done, err := protocol.Handle(ctx, c.server.agent, asked.Encode(), func(e protocol.Event, raw []byte) error {
		if e.Type != "token" {
			return c.record(e, raw)
		}
		if role == "" {
			return c.token(out, e.Text)
		}
		delta := map[string]any{"content": e.Text, "role": role}
		role = ""
		return c.chunk(out, delta, nil)
	})
	if err != nil {
		if !out.fail(done) {
			_ = out.SendJSON(map[string]any{"error": refusalOf(done).openAI()})
		}
		return
	}
	_ = c.finish(out, done)
}

func (c *completion) finish(out *Stream, done protocol.Event) error {
	if err := c.chunk(out, map[string]any{}, openAIFinish(done.Finish)); err != nil {
		return err
	}
	if c.wantsUsage {
		frame := c.frame("chat.completion.chunk")
		frame["usage"] = c.usage
		if err := out.SendJSON(frame); err != nil {
			return err
		}
	}
	return out.Send([]byte("[DONE]"))
}

// token sends a chunk that differs from the one before it in its text only: what is
// around that is encoded once.
func (c *completion) token(out *Stream, text string) error {
	if c.before == nil {
		encoded, err := json.Marshal(c.chunkFrame(map[string]any{"content": c.id}, nil))
		if err != nil {
			return err
		}
		before, after, _ := bytes.Cut(encoded, []byte(`"content":"`+c.id+`"`))
		c.before, c.after = append(bytes.Clone(before), `"content":`...), bytes.Clone(after)
	}
	content, err := json.Marshal(text)
	if err != nil {
		return err
	}
	return out.Send(slices.Concat(c.before, content, c.after))
}

func (c *completion) chunk(out *Stream, delta map[string]any, finish any) error {
	return out.SendJSON(c.chunkFrame(delta, finish))
}

func (c *completion) chunkFrame(delta map[string]any, finish any) map[string]any {
	frame := c.frame("chat.completion.chunk", map[string]any{
		"index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish,
	})
	if c.wantsUsage {
		frame["usage"] = nil
	}
	return frame
}

func (c *completion) frame(object string, choices ...any) map[string]any {
	return map[string]any{
		"id": c.id, "object": object, "created": c.created, "model": c.server.manifest.Handle,
		"system_fingerprint": c.server.fingerprint(), "choices": append([]any{}, choices...),
	}
}

// fingerprint identifies the configuration that answers.
func (s *server) fingerprint() any {
	if sum := s.manifest.ConfigSHA256; len(sum) > 16 {
		return "fp_" + sum[:16]
	}
	return nil
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
