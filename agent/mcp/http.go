package mcp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/mcpspec"
)

// Headers of the protocol.
const (
	versionHeader = "Mcp-Protocol-Version"
	methodHeader  = "Mcp-Method"
	nameHeader    = "Mcp-Name"
	sessionHeader = "Mcp-Session-Id"
)

// Register adds the endpoint /mcp.
func (s *Server) Register(mux *http.ServeMux) { mux.HandleFunc("POST /mcp", s.serveHTTP) }

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := httpapi.ReadBody(w, r, httpapi.MaxRequest)
	if !ok {
		return
	}
	asked, err := parse(body)
	if err != nil {
		httpapi.WriteJSON(w, http.StatusBadRequest, asked.answer(nil, err.(*failure)))
		return
	}
	version := r.Header.Get(versionHeader)
	isModern := asked.isModern() || version != "" && !slices.Contains(mcpspec.Legacy, version)
	switch {
	case asked.isResponse() || asked.isNotification():
		s.accept(w, r, asked, isModern)
	case isModern:
		if err := checkHeaders(r.Header, asked); err != nil {
			httpapi.WriteJSON(w, err.status(), asked.answer(nil, err))
			return
		}
		s.respond(w, r, asked, "")
	default:
		if asked.Method == "initialize" {
			w.Header().Set(sessionHeader, newSession(asked))
		}
		s.respond(w, r, asked, r.Header.Get(sessionHeader))
	}
}

// accept takes a notification. Sessions have no state but their requests in progress,
// so any id of a session is a good one.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, asked request, isModern bool) {
	if version := r.Header.Get(versionHeader); isModern && version != "" && version != mcpspec.Modern {
		err := unsupported(version)
		httpapi.WriteJSON(w, err.status(), asked.answer(nil, err))
		return
	}
	switch session := r.Header.Get(sessionHeader); {
	case isModern:
	case asked.isResponse():
		s.asked.deliver(session, asked)
	case asked.Method == "notifications/cancelled":
		s.running.cancel(session, asked.Params.RequestID)
	}
	w.WriteHeader(http.StatusAccepted)
}

// checkHeaders compares what the newest version repeats in headers.
func checkHeaders(header http.Header, r request) *failure {
	if err := r.checkMeta(); err != nil {
		return err
	}
	var version string
	_ = json.Unmarshal(r.Params.Meta[mcpspec.MetaVersion], &version)
	wanted := []struct{ name, value string }{{versionHeader, version}, {methodHeader, r.Method}}
	if r.Method == "tools/call" {
		wanted = append(wanted, struct{ name, value string }{nameHeader, r.Params.Name})
	}
	for _, field := range wanted {
		values := header.Values(field.name)
		if len(values) != 1 || decodeHeader(values[0]) != field.value {
			return &failure{Code: mcpspec.CodeHeaderMismatch, Message: "the header " + field.name + " must be there once and repeat the message's own value"}
		}
	}
	return nil
}

// decodeHeader returns a value that may be written as =?base64?…?=, because headers
// cannot hold every character.
func decodeHeader(value string) string {
	encoded, found := strings.CutPrefix(value, "=?base64?")
	encoded, closed := strings.CutSuffix(encoded, "?=")
	if decoded, err := base64.StdEncoding.DecodeString(encoded); found && closed && err == nil {
		return string(decoded)
	}
	return value
}

// respond answers with JSON, or with events once there is progress to report.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, asked request, session string) {
	ctx, end := s.running.begin(r.Context(), session, asked.ID)
	defer end()
	out := httpapi.NewStream(w)
	defer out.Close()
	streams := strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/event-stream")
	send := func(message any) error { return out.SendNamed("message", encode(message)) }
	from := peer{notify: func(method string, params any) error {
		if !streams {
			return nil
		}
		return send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	}}
	if streams && hasForms(session) && !s.options.Stateless {
		from.ask = func(ctx context.Context, method string, params any) (json.RawMessage, error) {
			return s.asked.ask(ctx, session, method, params, send)
		}
	}
	result, err := s.answer(ctx, asked, from)
	if ctx.Err() != nil && r.Context().Err() == nil {
		// A cancelled request is not answered: the stream ends, or nothing begins.
		out.Replace(func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) })
		return
	}
	answer := asked.answer(result, err)
	status := http.StatusOK
	if err != nil && asked.isModern() {
		status = err.status()
	}
	if !out.Replace(func(w http.ResponseWriter) { httpapi.WriteJSON(w, status, answer) }) {
		_ = out.SendNamed("message", encode(answer))
	}
}

func encode(value any) []byte {
	encoded, _ := json.Marshal(value)
	return encoded
}
