// Package server puts everything that an agent answers over HTTP behind one door:
// its own events and OpenAI's protocol, health, metrics, and the checks of token,
// host name and origin.
package server

import (
	"crypto/rand"
	"net/http"
	"sync/atomic"

	"agent.local/a0000000000000000/a2a"
	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/mcp"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/traceparent"
)

// Server serves an agent to programs: on the loopback address only under a loopback
// name, to pages of the allowed origins only, and only with the bearer token if there
// is one. The agent can be replaced while it answers.
type Server struct {
	token   string
	metrics *metrics
	tasks   *a2a.Store
	// sessions are those of MCP.
	sessions *mcp.Sessions
	current  atomic.Pointer[http.Handler]
	checked  http.Handler
}

// New returns a server of the agent. An empty token lets everybody in.
func New(agent protocol.Agent, manifest protocol.Manifest, token string, origins Origins) *Server {
	s := &Server{token: token, metrics: newMetrics(), tasks: a2a.NewStore(), sessions: mcp.NewSessions()}
	s.checked = rejectForeignHosts(origins.Check(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*s.current.Load()).ServeHTTP(w, r)
	})))
	s.Replace(agent, manifest)
	return s
}

// Replace lets the agent answer all requests from now on. Answers in progress go on with
// the agent before it; tasks, conversations and counters stay.
func (s *Server) Replace(agent protocol.Agent, manifest protocol.Manifest) {
	routes := services(s.metrics.observe(agent), manifest, Options{Bearer: s.token != "", Store: s.tasks}, s.sessions)
	routes.mux.Handle("GET /metrics", s.metrics.of(manifest))
	handler := routes.open(RequireToken(s.token, routes))
	s.current.Store(&handler)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.checked.ServeHTTP(w, r) }

// Options say how the routes are reached.
type Options = a2a.Options

// Routes serves an agent without any access control and without metrics, for callers
// that add their own with guard. Health and the agent's card stay open to everybody.
func Routes(agent protocol.Agent, manifest protocol.Manifest, options Options, guard func(http.Handler) http.Handler) http.Handler {
	s := services(agent, manifest, options, nil)
	return s.open(guard(s))
}

// surfaces are all protocols of one agent.
type surfaces struct {
	mux *http.ServeMux
	a2a *a2a.Server
	// traces is set if the agent continues the trace of whoever asks.
	traces bool
}

func services(agent protocol.Agent, manifest protocol.Manifest, options Options, sessions *mcp.Sessions) surfaces {
	agent = Bounded(agent)
	s := surfaces{http.NewServeMux(), a2a.New(agent, manifest, options), manifest.Knows("traceparent")}
	httpapi.Register(s.mux, agent, manifest)
	mcp.New(agent, manifest, mcp.Options{Stateless: options.Stateless, Sessions: sessions}).Register(s.mux)
	s.a2a.Register(s.mux)
	return s
}

func (s surfaces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Request-Id", "req_"+rand.Text())
	handler, pattern := s.mux.Handler(r)
	if pattern == "" {
		writeUnknownPath(w, r, handler)
		return
	}
	if parent := traceparent.Of(r.Header); s.traces && parent != "" {
		r = r.WithContext(protocol.WithTrace(r.Context(), parent))
	}
	s.mux.ServeHTTP(w, r)
}

// open answers to everybody what a client needs before it has a token.
func (s surfaces) open(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		httpapi.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	for _, path := range a2a.CardPaths {
		mux.HandleFunc("GET "+path, s.a2a.Card)
	}
	mux.Handle("/", next)
	return mux
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
