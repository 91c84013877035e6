package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"agent.local/a0000000000000000/front"
)

const maxQuestion = 8000

// asker answers the questions of the site's page. The conversation comes with
// the question and goes back with the answer, signed; nothing is kept here.
type asker struct {
	agent  front.Agent
	sealer sealer
}

func (a asker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var given struct{ Message, State string }
	if !read(w, r, &given) {
		return
	}
	text := strings.TrimSpace(given.Message)
	if text == "" || utf8.RuneCountInString(text) > maxQuestion {
		refuse(w, http.StatusUnprocessableEntity, "bad_request", "A message has 1 to 8000 characters.")
		return
	}
	messages, err := a.sealer.conversation(given.State)
	if err != nil {
		refuse(w, http.StatusConflict, "unknown_state", err.Error())
		return
	}
	messages = append(messages, message{"user", text})
	last := a.handle(r, messages)
	if last.Type != "done" {
		refuse(w, statusOf(last.Code), last.Code, last.Message)
		return
	}
	state := a.sealer.state(append(messages, message{"assistant", last.Text}))
	reply(w, http.StatusOK, map[string]string{"text": last.Text, "state": state})
}

// ending is the last event of an agent.
type ending struct{ Type, Text, Code, Message string }

func (a asker) handle(r *http.Request, messages []message) ending {
	body, _ := json.Marshal(map[string]any{"messages": messages})
	var last ending
	var text strings.Builder
	err := a.agent.Handle(r.Context(), body, func(raw []byte) error {
		last = ending{}
		if err := json.Unmarshal(raw, &last); err != nil {
			return err
		}
		if last.Type == "token" {
			text.WriteString(last.Text)
		}
		return nil
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
