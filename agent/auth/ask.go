package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"agent.local/a0000000000000000/cli"
)

const (
	maxQuestion = 8000
	// More at once would only slow each other down at the provider.
	maxConcurrent = 64
)

// asker answers the questions of the site's page. The conversation comes with
// the question and goes back with the answer, signed; nothing is kept here.
type asker struct {
	agent  cli.Agent
	sealer sealer
	busy   chan struct{}
}

func newAsker(agent cli.Agent, sealer sealer) asker {
	return asker{agent: agent, sealer: sealer, busy: make(chan struct{}, maxConcurrent)}
}

func (a asker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	messages, ok := a.question(w, r)
	if !ok {
		return
	}
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	default:
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, "rate_limited", "The agent answers as many questions as it can. Try again in a moment.")
		return
	}
	if wantsStream(r) {
		a.stream(w, r, messages)
		return
	}
	last := a.handle(r.Context(), messages, func(ending, []byte) error { return nil })
	if last.Type != "done" {
		refuse(w, statusOf(last.Code), last.Code, last.Message)
		return
	}
	reply(w, http.StatusOK, map[string]string{"text": last.Text, "state": a.after(messages, last)})
}

// question reads what is asked, with what was said before; it has answered
// where that is not possible.
func (a asker) question(w http.ResponseWriter, r *http.Request) ([]message, bool) {
	var given struct{ Message, State string }
	if !read(w, r, &given) {
		return nil, false
	}
	text := strings.TrimSpace(given.Message)
	if text == "" || utf8.RuneCountInString(text) > maxQuestion {
		refuse(w, http.StatusUnprocessableEntity, "bad_request", "A message has 1 to 8000 characters.")
		return nil, false
	}
	messages, err := a.sealer.conversation(given.State)
	if err != nil {
		refuse(w, http.StatusConflict, "unknown_state", err.Error())
		return nil, false
	}
	return append(messages, message{"user", text}), true
}

func wantsStream(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/event-stream")
}

// stream answers with the agent's events as they come: its words, its tools,
// and a done that carries the state. An error that comes first has a status.
func (a asker) stream(w http.ResponseWriter, r *http.Request, messages []message) {
	out := cli.NewStream(w)
	defer out.Close()
	last := a.handle(r.Context(), messages, func(e ending, raw []byte) error {
		switch e.Type {
		case "token", "tool_call", "tool_result":
			return out.Send(raw)
		}
		return nil
	})
	end := map[string]string{"type": "error", "code": last.Code, "message": last.Message}
	if last.Type == "done" {
		end = map[string]string{"type": "done", "text": last.Text, "state": a.after(messages, last)}
	} else if out.Instead(func(w http.ResponseWriter) { refuse(w, statusOf(last.Code), last.Code, last.Message) }) {
		return
	}
	encoded, _ := json.Marshal(end)
	_ = out.Send(encoded)
}

// after returns the state of a conversation that an answer ends.
func (a asker) after(messages []message, last ending) string {
	return a.sealer.state(append(messages, message{"assistant", last.Text}))
}

// ending is the last event of an agent.
type ending struct{ Type, Text, Code, Message string }

// handle asks the agent, shows each event to see, and returns the last one,
// made up where the agent gave none.
func (a asker) handle(ctx context.Context, messages []message, see func(ending, []byte) error) ending {
	body, _ := json.Marshal(map[string]any{"messages": messages})
	var last ending
	var text strings.Builder
	err := a.agent.Handle(ctx, body, func(raw []byte) error {
		last = ending{}
		if err := json.Unmarshal(raw, &last); err != nil {
			return err
		}
		if last.Type == "token" {
			text.WriteString(last.Text)
		}
		return see(last, raw)
	})
	switch {
	case last.Type == "done" && last.Text == "":
		last.Text = text.String()
	case last.Type != "done" && last.Type != "error":
		last = ending{Type: "error", Code: "internal", Message: "The agent ended without an answer."}
		if err != nil {
			last.Message = err.Error()
		}
	}
	return last
}

func statusOf(code string) int {
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
