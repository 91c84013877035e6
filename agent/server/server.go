// Package server puts everything that an agent answers over HTTP behind one door:
// its own events and OpenAI's protocol, health, metrics, and the checks of token,
// host name and origin.
package server

import (
	"crypto/rand"
	"net/http"

	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/mcp"
	"agent.local/a0000000000000000/protocol"
)

// Handler serves an agent to programs: on the loopback address only under a loopback
// name, to pages of the allowed origins only, and only with the bearer token if token
// is not empty.
func Handler(agent protocol.Agent, manifest protocol.Manifest, token string, origins Origins) http.Handler {
	m := newMetrics(manifest)
	routes := routes(m.observe(agent), manifest, m)
	return rejectForeignHosts(origins.Check(openHealth(RequireToken(token, routes))))
}

// Routes serves an agent without any access control and without metrics, for callers
// that add their own.
func Routes(agent protocol.Agent, manifest protocol.Manifest) http.Handler {
	return openHealth(routes(agent, manifest, nil))
}

func routes(agent protocol.Agent, manifest protocol.Manifest, m *metrics) http.Handler {
	agent = bounded{Agent: agent, slots: make(chan struct{}, MaxConcurrent)}
	mux := http.NewServeMux()
	httpapi.Register(mux, agent, manifest)
	mcp.New(agent, manifest).Register(mux)
	if m != nil {
		mux.Handle("GET /metrics", m)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req_"+rand.Text())
		handler, pattern := mux.Handler(r)
		if pattern == "" {
			writeUnknownPath(w, r, handler)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// writeUnknownPath answers in JSON what the mux would say in text.
func writeUnknownPath(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	answer := statusOnly{header: http.Header{}}
	handler.ServeHTTP(&answer, r)
	switch answer.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", answer.header.Get("Allow"))
		httpapi.WriteError(w, answer.status, "bad_request", "this address does not take "+r.Method+"; it takes "+answer.header.Get("Allow"))
	case http.StatusNotFound:
		httpapi.WriteError(w, answer.status, "not_found",
			"there is nothing at "+r.URL.Path+"; OpenAI's clients need the base URL of this server with /v1 at its end")
	default:
		handler.ServeHTTP(w, r)
	}
}

// statusOnly keeps the status and the header of a response.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// openHealth answers GET /healthz to everybody.
func openHealth(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		httpapi.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.Handle("/", next)
	return mux
}
