package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"agent.local/a0000000000000000/protocol"
)

// responseStream numbers the events of a response. Clients build the response from
// them, so each part is announced before its text and closed after it.
type responseStream struct {
	*response
	out      *Stream
	sequence int
	opened   bool
}

func (r *response) stream(ctx context.Context, w http.ResponseWriter, asked protocol.Request) {
	out := NewStream(w)
	defer out.Close()
	s := &responseStream{response: r, out: out}
	done, err := protocol.Handle(ctx, r.server.agent, asked.Encode(), func(e protocol.Event, raw []byte) error {
		if e.Type != "token" {
			return s.record(e, raw)
		}
		return s.delta(e.Text)
	})
	switch {
	case err == nil:
		_ = s.close(done)
	case !s.opened && out.fail(done):
	default:
		failed := r.object("failed")
		failed["error"] = map[string]string{"code": "server_error", "message": done.Message}
		_ = s.send("response.failed", map[string]any{"response": failed})
	}
}

func (s *responseStream) send(kind string, fields map[string]any) error {
	fields["type"], fields["sequence_number"] = kind, s.sequence
	s.sequence++
	encoded, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return s.out.SendNamed(kind, encoded)
}

// sendPart sends an event about the text, which is the only part of the only item.
func (s *responseStream) sendPart(kind string, fields map[string]any) error {
	fields["item_id"], fields["output_index"], fields["content_index"] = s.item, 0, 0
	return s.send(kind, fields)
}

// open announces the response, its item and the part. It waits for the first text, so
// that an earlier failure can set the HTTP status.
func (s *responseStream) open() error {
	s.opened = true
	for _, kind := range []string{"response.created", "response.in_progress"} {
		if err := s.send(kind, map[string]any{"response": s.object("in_progress")}); err != nil {
			return err
		}
	}
	if err := s.send("response.output_item.added", map[string]any{"output_index": 0, "item": s.message("in_progress")}); err != nil {
		return err
	}
	return s.sendPart("response.content_part.added", map[string]any{"part": part("")})
}

func (s *responseStream) delta(text string) error {
	if !s.opened {
		if err := s.open(); err != nil {
			return err
		}
	}
	return s.sendPart("response.output_text.delta", map[string]any{"delta": text, "logprobs": []any{}})
}

func (s *responseStream) close(done protocol.Event) error {
	if !s.opened {
		if err := s.open(); err != nil {
			return err
		}
	}
	closed := s.closed(done)
	status := closed["status"].(string)
	if err := s.sendPart("response.output_text.done", map[string]any{"text": done.Text, "logprobs": []any{}}); err != nil {
		return err
	}
	if err := s.sendPart("response.content_part.done", map[string]any{"part": part(done.Text)}); err != nil {
		return err
	}
	item := map[string]any{"output_index": 0, "item": s.message(status, part(done.Text))}
	if err := s.send("response.output_item.done", item); err != nil {
		return err
	}
	return s.send("response."+status, map[string]any{"response": closed})
}
