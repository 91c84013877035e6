// Package webchat answers the questions of a site's chat page. It stores no
// conversation: the page sends the state so far, signed, with each question and
// receives the next one with the answer.
package webchat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/protocol"
)

const (
	maxQuestion = 8000
	// A state that waits holds the results of tools so far.
	maxBody = 2 << 20
)

type handler struct {
	agent  protocol.Agent
	states stateCodec
}

// Handler answers {"message", "state"} with {"text", "state"} or, if the client
// accepts text/event-stream, with the agent's events. With "ask" true, calls of tools
// may wait for the visitor, who answers with {"answers", "state"}.
func Handler(agent protocol.Agent, sealer auth.Sealer) http.Handler {
	return handler{agent: agent, states: stateCodec{sealer}}
}

// turn is one request: the conversation with the question at its end, and what the
// visitor says of approvals.
type turn struct {
	messages []protocol.Message
	approval protocol.Approval
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, ok := h.readTurn(w, r)
	if !ok {
		return
	}
	if acceptsStream(r) {
		h.stream(w, r, t)
		return
	}
	var asked []json.RawMessage
	var sources struct{ Citations json.RawMessage }
	last := h.ask(r.Context(), t, func(e protocol.Event, raw []byte) error {
		switch e.Type {
		case "approval":
			asked = append(asked, slices.Clone(raw))
		case "citations":
			return json.Unmarshal(raw, &sources)
		}
		return nil
	})
	if last.Type != "done" {
		writeFailure(w, last)
		return
	}
	answer := map[string]any{"text": last.Text, "state": h.nextState(t, last)}
	if len(asked) > 0 {
		answer["approvals"] = asked
	}
	if sources.Citations != nil {
		answer["citations"] = sources.Citations
	}
	httpapi.WriteJSON(w, http.StatusOK, answer)
}

// readTurn returns what a request asks or answers. On failure it answers the request
// and returns false.
func (h handler) readTurn(w http.ResponseWriter, r *http.Request) (turn, bool) {
	var given struct {
		Message, State string
		Ask            bool
		Answers        []protocol.Answer
	}
	if !httpapi.ReadJSON(w, r, maxBody, &given) {
		return turn{}, false
	}
	text := strings.TrimSpace(given.Message)
	if len(given.Answers) == 0 && text == "" || utf8.RuneCountInString(text) > maxQuestion {
		httpapi.WriteError(w, http.StatusUnprocessableEntity, "bad_request", "A message has 1 to 8000 characters.")
		return turn{}, false
	}
	c, err := h.states.decode(given.State)
	if err == nil && len(given.Answers) > 0 && !c.Waits {
		err = errNothingWaits
	}
	if err != nil {
		httpapi.WriteError(w, http.StatusConflict, "unknown_state", httpapi.Sentence(err))
		return turn{}, false
	}
	t := turn{c.Messages, protocol.Approval{Ask: given.Ask, State: c.Agent, Answers: given.Answers}}
	if len(given.Answers) == 0 {
		if c.Waits {
			// The visitor asks something else instead.
			t.messages = t.messages[:len(t.messages)-1]
		}
		t.messages = append(t.messages, protocol.Message{Role: "user", Content: text})
	}
	return t, true
}

var errNothingWaits = errors.New("no call waits for an answer: ask again")

func acceptsStream(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/event-stream")
}

// stream sends the agent's text and tool events as they arrive, then a done
// event with the state. An error before any other event sets the HTTP status.
func (h handler) stream(w http.ResponseWriter, r *http.Request, t turn) {
	out := httpapi.NewStream(w)
	defer out.Close()
	last := h.ask(r.Context(), t, func(e protocol.Event, raw []byte) error {
		switch e.Type {
		case "token", "tool_call", "tool_result", "approval", "citations":
			return out.Send(raw)
		}
		return nil
	})
	closing := map[string]string{"type": "error", "code": last.Code, "message": last.Message}
	if last.Type == "done" {
		closing = map[string]string{"type": "done", "text": last.Text, "state": h.nextState(t, last)}
		if last.Finish == "length" || last.Finish == "other" || last.Finish == protocol.FinishApproval {
			closing["finish"] = last.Finish
		}
	} else if out.Replace(func(w http.ResponseWriter) { writeFailure(w, last) }) {
		return
	}
	encoded, _ := json.Marshal(closing)
	_ = out.Send(encoded)
}

// nextState returns the state after an answer, or after the part of one that waits.
func (h handler) nextState(t turn, last protocol.Event) string {
	c := conversation{Messages: t.messages, Agent: last.State, Waits: last.Finish == protocol.FinishApproval}
	if !c.Waits {
		c.Messages = append(c.Messages, protocol.Message{Role: "assistant", Content: last.Text})
	}
	return h.states.encode(c)
}

// ask returns the closing event. If a done event has no text, it gets the text
// of the tokens.
func (h handler) ask(ctx context.Context, t turn, observe func(protocol.Event, []byte) error) protocol.Event {
	var text strings.Builder
	request := protocol.Request{Messages: t.messages}
	if t.approval.Ask {
		request.Approval = &t.approval
	}
	last, _ := protocol.Handle(ctx, h.agent, request.Encode(), func(e protocol.Event, raw []byte) error {
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
	case "busy", "rate_limited", "token_limit", "cost_limit":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}
