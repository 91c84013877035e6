// Package webchat answers the questions of a site's chat page. It stores no
// conversation: the page sends the state so far, signed, with each question and
// receives the next one with the answer.
package webchat

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/protocol"
)

const (
	maxQuestion = 8000
	maxBody     = 256 << 10
	// More answers at once would only slow each other down at the provider.
	maxConcurrent = 64
)

type handler struct {
	agent  protocol.Agent
	states stateCodec
	slots  chan struct{}
}

// Handler answers {"message", "state"} with {"text", "state"} or, if the client
// accepts text/event-stream, with the agent's events.
func Handler(agent protocol.Agent, sealer auth.Sealer) http.Handler {
	return handler{agent: agent, states: stateCodec{sealer}, slots: make(chan struct{}, maxConcurrent)}
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	messages, ok := h.readQuestion(w, r)
	if !ok {
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		w.Header().Set("Retry-After", "5")
		httpapi.WriteError(w, http.StatusServiceUnavailable, "rate_limited",
			"The agent is answering as many questions as it can. Try again in a moment.")
		return
	}
	if acceptsStream(r) {
		h.stream(w, r, messages)
		return
	}
	last := h.ask(r.Context(), messages, func(protocol.Event, []byte) error { return nil })
	if last.Type != "done" {
		writeFailure(w, last)
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, map[string]string{"text": last.Text, "state": h.nextState(messages, last)})
}

// readQuestion returns the conversation with the question at its end. On failure
// it answers the request and returns false.
func (h handler) readQuestion(w http.ResponseWriter, r *http.Request) ([]protocol.Message, bool) {
	var question struct{ Message, State string }
	if !httpapi.ReadJSON(w, r, maxBody, &question) {
		return nil, false
	}
	text := strings.TrimSpace(question.Message)
	if text == "" || utf8.RuneCountInString(text) > maxQuestion {
		httpapi.WriteError(w, http.StatusUnprocessableEntity, "bad_request", "A message has 1 to 8000 characters.")
		return nil, false
	}
	messages, err := h.states.decode(question.State)
	if err != nil {
		httpapi.WriteError(w, http.StatusConflict, "unknown_state", httpapi.Sentence(err))
		return nil, false
	}
	return append(messages, protocol.Message{Role: "user", Content: text}), true
}

func acceptsStream(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/event-stream")
}

// stream sends the agent's text and tool events as they arrive, then a done
// event with the state. An error before any other event sets the HTTP status.
func (h handler) stream(w http.ResponseWriter, r *http.Request, messages []protocol.Message) {
	out := httpapi.NewStream(w)
	defer out.Close()
	last := h.ask(r.Context(), messages, func(e protocol.Event, raw []byte) error {
		switch e.Type {
		case "token", "tool_call", "tool_result":
			return out.Send(raw)
		}
		return nil
	})
	closing := map[string]string{"type": "error", "code": last.Code, "message": last.Message}
	if last.Type == "done" {
		closing = map[string]string{"type": "done", "text": last.Text, "state": h.nextState(messages, last)}
		if last.Finish == "length" || last.Finish == "other" {
			closing["finish"] = last.Finish
		}
	} else if out.Replace(func(w http.ResponseWriter) { writeFailure(w, last) }) {
		return
	}
	encoded, _ := json.Marshal(closing)
	_ = out.Send(encoded)
}

// nextState returns the state after an answer.
func (h handler) nextState(messages []protocol.Message, last protocol.Event) string {
	return h.states.encode(append(messages, protocol.Message{Role: "assistant", Content: last.Text}))
}

// ask returns the closing event. If a done event has no text, it gets the text
// of the tokens.
func (h handler) ask(ctx context.Context, messages []protocol.Message, observe func(protocol.Event, []byte) error) protocol.Event {
	var text strings.Builder
	last, _ := protocol.Handle(ctx, h.agent, protocol.EncodeRequest(messages), func(e protocol.Event, raw []byte) error {
		if e.Type == "token" {
			text.WriteString(e.Text)
		}
		return observe(e, raw)
	})
	if last.Type == "done" && last.Text == "" {
		last.Text = text.String()
	}
	return last
}

func writeFailure(w http.ResponseWriter, e protocol.Event) {
	httpapi.WriteError(w, httpStatus(e.Code), e.Code, e.Message)
}

// httpStatus returns the status of an error event, for a page.
func httpStatus(code string) int {
	switch code {
	case "bad_request":
		return http.StatusBadRequest
	case "time_limit", "cancelled":
		return http.StatusGatewayTimeout
	case "rate_limited":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}
