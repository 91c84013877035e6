// Package httpapi serves an agent over HTTP: its own events at /chat, and what
// OpenAI's clients expect under /v1.
package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/protocol"
)

// MaxRequest is how many bytes a request without images may have.
const MaxRequest = 4 << 20

// server holds what the routes of one agent share.
type server struct {
	agent    protocol.Agent
	manifest protocol.Manifest
}

// Register adds the routes of an agent, without any access control.
func Register(mux *http.ServeMux, agent protocol.Agent, manifest protocol.Manifest) {
	s := &server{agent: agent, manifest: manifest}
	mux.HandleFunc("GET /manifest", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, json.RawMessage(agent.Manifest()))
	})
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /v1/models/{id...}", s.showModel)
	mux.HandleFunc("POST /chat", s.withBody(s.chat))
	mux.HandleFunc("POST /v1/chat/completions", s.withBody(s.completions))
	mux.HandleFunc("POST /v1/responses", s.withBody(s.responses))
}

// withBody passes the body of a JSON request on.
func (s *server) withBody(answer func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	most := MaxBody(s.manifest)
	return func(w http.ResponseWriter, r *http.Request) {
		if body, ok := ReadBody(w, r, most); ok {
			answer(w, r, body)
		}
	}
}

// MaxBody returns how many bytes a request to an agent may have: more for images.
func MaxBody(manifest protocol.Manifest) int64 {
	if manifest.Knows("images") {
		return images.MaxRequest
	}
	return MaxRequest
}

// ReadBody returns the body of a JSON request of at most so many bytes. On failure it
// answers the request and returns false.
func ReadBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, bool) {
	if !requireJSON(w, r) {
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		WriteError(w, http.StatusRequestEntityTooLarge, "bad_request", fmt.Sprintf("the body is larger than %d MiB or incomplete", most>>20))
		return nil, false
	}
	return body, true
}
