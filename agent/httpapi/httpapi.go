// Package httpapi serves an agent over HTTP: its own events at /chat, and the
// chat completions that OpenAI clients expect under /v1.
package httpapi

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"

	"agent.local/a0000000000000000/protocol"
)

// TokenEnv is the variable with the bearer token of Handler.
const TokenEnv = "AGENT_SERVER_TOKEN"

const maxRequest = 4 << 20

// MaxConcurrent bounds the answers in progress: more would only slow each other
// down at the provider.
const MaxConcurrent = 64

// server holds what the routes of one agent share.
type server struct {
	agent    protocol.Agent
	manifest protocol.Manifest
	slots    chan struct{}
}

// Handler serves an agent to programs: on the loopback address only under a
// loopback name, and only with the bearer token if token is not empty.
func Handler(agent protocol.Agent, manifest protocol.Manifest, token string) http.Handler {
	return rejectForeignHosts(routes(agent, manifest, token))
}

// Routes serves an agent without any access control, for callers that add their
// own.
func Routes(agent protocol.Agent, manifest protocol.Manifest) http.Handler {
	return routes(agent, manifest, "")
}

func routes(agent protocol.Agent, manifest protocol.Manifest, token string) http.Handler {
	s := &server{agent: agent, manifest: manifest, slots: make(chan struct{}, MaxConcurrent)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /manifest", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, json.RawMessage(agent.Manifest()))
	})
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("POST /chat", s.limited(s.chat))
	mux.HandleFunc("POST /v1/chat/completions", s.limited(s.completions))
	open := http.NewServeMux()
	open.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	open.Handle("/", requireToken(token, mux))
	return open
}

func rejectForeignHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsForeignHost(r) {
			WriteError(w, http.StatusForbidden, "bad_request", "use localhost or this server's address as the host name")
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// IsForeignHost reports whether a request reached the loopback address under a
// name other than localhost. Such requests come from DNS rebinding: a web page
// resolves its own name to the visitor's machine to reach an agent there.
func IsForeignHost(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return local != nil && local.IP.IsLoopback() && !isLoopbackName(r.Host)
}

func isLoopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func requireToken(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		if token != "" && subtle.ConstantTimeCompare([]byte(header), []byte("Bearer "+token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			WriteError(w, http.StatusUnauthorized, "bad_request", `send "Authorization: Bearer" with this server's token`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limited reads the body of a question and bounds how many run at once.
func (s *server) limited(answer func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !requireJSON(w, r) {
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			WriteError(w, http.StatusRequestEntityTooLarge, "bad_request", "the body is larger than 4 MiB or incomplete")
			return
		}
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			w.Header().Set("Retry-After", "5")
			WriteError(w, http.StatusServiceUnavailable, "rate_limited", "the agent is answering as many questions as it can; try again in a moment")
			return
		}
		answer(w, r, body)
	}
}
