package cli

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
)

// api is the HTTP face of an agent.
type api struct {
	agent Agent
	about about
	busy  chan struct{}
}

// newHandler returns the routes; an empty token lets everybody in.
func newHandler(agent Agent, about about, token string) http.Handler {
	return sameSite(newRoutes(agent, about, token))
}

func newRoutes(agent Agent, about about, token string) http.Handler {
	a := &api{agent: agent, about: about, busy: make(chan struct{}, maxConcurrent)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /manifest", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, json.RawMessage(agent.Manifest()))
	})
	mux.HandleFunc("GET /v1/models", a.models)
	mux.HandleFunc("POST /chat", a.asking(a.chat))
	mux.HandleFunc("POST /v1/chat/completions", a.asking(a.completions))
	open := http.NewServeMux()
	open.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	open.Handle("/", authorised(token, mux))
	return open
}

// sameSite keeps web pages away.
func sameSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ForeignName(r) {
			fail(w, http.StatusForbidden, "bad_request", "ask for this server by localhost or its address")
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// ForeignName tells whether a request came to the loopback address under
// another name: a page that someone visits could otherwise ask an agent on
// their own machine, through a name that it made resolve to that address.
func ForeignName(r *http.Request) bool {
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

func authorised(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("Authorization")
		if token != "" && subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, "bad_request", `send "Authorization: Bearer" with this server's token`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// asking reads the body of a question and bounds how many run at once.
func (a *api) asking(answer func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// A form on a foreign page can send any other type without being asked.
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			fail(w, http.StatusUnsupportedMediaType, "bad_request", "send Content-Type: application/json")
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			fail(w, http.StatusRequestEntityTooLarge, "bad_request", "the body is larger than 4 MiB or did not arrive")
			return
		}
		select {
		case a.busy <- struct{}{}:
			defer func() { <-a.busy }()
		default:
			w.Header().Set("Retry-After", "5")
			fail(w, http.StatusServiceUnavailable, "rate_limited", "the agent is answering as many questions as it can")
			return
		}
		answer(w, r, body)
	}
}

// fail answers with an error event, or, for OpenAI's clients, what contains
// one under the name that they look for.
func fail(w http.ResponseWriter, status int, code, text string) {
	writeJSON(w, status, map[string]any{
		"type": "error", "code": code, "message": text,
		"error": map[string]any{"type": code, "code": code, "message": text},
	})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
