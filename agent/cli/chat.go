package cli

import (
	"encoding/json"
	"net/http"
)

// chat answers with the agent's own events. An error that is the first event
// has an HTTP status; a later one is an event, as the status is out by then.
func (a *api) chat(w http.ResponseWriter, r *http.Request, body []byte) {
	out := NewStream(w)
	defer out.Close()
	var last event
	err := a.agent.Handle(r.Context(), body, func(raw []byte) error {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		last = e
		if e.Type == "error" && out.refuse(e) {
			return nil
		}
		return out.Send(raw)
	})
	if last.Type == "done" || last.Type == "error" {
		return
	}
	if err == nil {
		err = errNoEnd
	}
	if end := (event{Code: "internal", Message: err.Error()}); !out.refuse(end) {
		encoded, _ := json.Marshal(map[string]string{"type": "error", "code": end.Code, "message": end.Message})
		_ = out.Send(encoded)
	}
}
