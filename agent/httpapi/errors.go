package httpapi

import (
	"net/http"

	"agent.local/a0000000000000000/protocol"
)

// refusal is why a request is not answered. Param names the field of the request, in
// OpenAI's protocol.
type refusal struct {
	status               int
	code, param, message string
}

func (r *refusal) Error() string { return r.message }

// invalid refuses a field of a request.
func invalid(param, message string) *refusal {
	return &refusal{http.StatusBadRequest, "bad_request", param, message}
}

// WriteError answers with an error event that also contains an "error" object,
// which is where OpenAI clients look for it.
func WriteError(w http.ResponseWriter, status int, code, message string) {
	(&refusal{status: status, code: code, message: message}).write(w)
}

func (r *refusal) write(w http.ResponseWriter) {
	if r.code == "busy" {
		w.Header().Set("Retry-After", "5")
	}
	if isFinal(r.code) {
		// The clients repeat failed requests unless told not to.
		w.Header().Set("X-Should-Retry", "false")
	}
	WriteJSON(w, r.status, map[string]any{
		"type": "error", "code": r.code, "message": r.message, "error": r.openAI(),
	})
}

// openAI returns the error as OpenAI's clients expect it.
func (r *refusal) openAI() map[string]any {
	kind, code := "invalid_request_error", r.code
	if r.status >= http.StatusInternalServerError {
		kind = "server_error"
	}
	switch r.code {
	case "rate_limited":
		kind, code = "rate_limit_error", "rate_limit_exceeded"
	case "unauthorized":
		code = "invalid_api_key"
	}
	var param any
	if r.param != "" {
		param = r.param
	}
	return map[string]any{"message": r.message, "type": kind, "param": param, "code": code}
}

// isFinal reports whether the same request would fail again.
func isFinal(code string) bool {
	switch code {
	case "no_key", "provider_refused", "memory_limit", "time_limit", "tool_rounds", "format", "token_limit", "cost_limit":
		return true
	}
	return false
}

// refusalOf returns an error event as a refusal.
func refusalOf(e protocol.Event) *refusal {
	return &refusal{status: httpStatus(e.Code), code: e.Code, message: e.Message}
}

// fail answers with an error instead of a stream. It returns false if the stream
// has started.
func (s *Stream) fail(e protocol.Event) bool {
	return s.Replace(func(w http.ResponseWriter) { refusalOf(e).write(w) })
}

// httpStatus returns the HTTP status of an error event. The provider's own status
// is not passed on: its 401 concerns the agent's key, not the caller's.
func httpStatus(code string) int {
	switch code {
	case "bad_request":
		return http.StatusBadRequest
	case "rate_limited", "token_limit", "cost_limit":
		return http.StatusTooManyRequests
	case "time_limit":
		return http.StatusGatewayTimeout
	case "provider_refused", "provider_unreachable", "format":
		return http.StatusBadGateway
	case "no_key", "memory_limit", "busy":
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
