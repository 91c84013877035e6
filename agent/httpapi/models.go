package httpapi

import (
	"fmt"
	"net/http"
)

func (s *server) model() map[string]any {
	return map[string]any{"id": s.manifest.Handle, "object": "model", "created": 0, "owned_by": "agentforge"}
}

// models lists the agent as the only model.
func (s *server) models(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{s.model()}})
}

func (s *server) showModel(w http.ResponseWriter, r *http.Request) {
	if name := r.PathValue("id"); name != s.manifest.Handle {
		s.unknownModel(name).write(w)
		return
	}
	WriteJSON(w, http.StatusOK, s.model())
}

func (s *server) unknownModel(name string) *refusal {
	return &refusal{http.StatusNotFound, "model_not_found", "model", fmt.Sprintf(
		"the model %q does not exist here: this server has one, %q", name, s.manifest.Handle)}
}
