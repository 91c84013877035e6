package httpapi

import (
	"net/http"

	"agent.local/a0000000000000000/protocol"
)

// chat answers with the agent's own events. An error before any other event
// sets the HTTP status; a later one is an event of the stream.
func (s *server) chat(w http.ResponseWriter, r *http.Request, body []byte) {
	out := NewStream(w)
	defer out.Close()
	_, _ = protocol.Handle(r.Context(), s.agent, body, func(e protocol.Event, raw []byte) error {
		if e.Type == "error" && out.fail(e) {
			return nil
		}
		return out.Send(raw)
	})
}
