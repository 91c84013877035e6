// Package webchat answers the questions of a site's chat page. It stores no
// conversation: the page sends the state so far, signed, with each question and
// receives the next one with the answer.
package webchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/protocol"
)

const (
	maxQuestion  = 8000
	mostPictures = 8
	// A state that waits holds the results of tools so far.
	maxBody = 2 << 20
	// With images, as much as a site takes.
	maxPictures = 6 << 20
)

type handler struct {
	agent       protocol.Agent
	takesImages bool
	states      stateCodec
}

// Handler answers {"message", "state"} with {"text", "state"} or, if the client
// accepts text/event-stream, with the agent's events. With "ask" true, calls of tools
// may wait for the visitor, who answers with {"answers", "state"}. "images" are those of
// the question, "earlier" those of questions before it, for agents that take images.
func Handler(agent protocol.Agent, manifest protocol.Manifest, sealer auth.Sealer) http.Handler {
	return handler{agent: agent, takesImages: manifest.Knows("images"), states: stateCodec{sealer}}
}

// turn is one request: the conversation with the question at its end, the images that
// came with it, and what the visitor says of approvals.
type turn struct {
	messages []message
	pictures album
	approval protocol.Approval
}

// given is the body of a request.
type given struct {
	Message, State  string
	Images, Earlier []protocol.Image
	Ask             bool
	Answers         []protocol.Answer
}

func (g given) isAnswer() bool { return len(g.Answers) > 0 }

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
	var g given
	most := int64(maxBody)
	if h.takesImages {
		most = maxPictures
	}
	if !httpapi.ReadJSON(w, r, most, &g) {
		return turn{}, false
	}
	if err := h.check(&g); err != nil {
		httpapi.WriteError(w, http.StatusUnprocessableEntity, "bad_request", httpapi.Sentence(err))
		return turn{}, false
	}
	c, err := h.states.decode(g.State)
	if err == nil && g.isAnswer() && !c.Waits {
		err = errNothingWaits
	}
	if err != nil {
		httpapi.WriteError(w, http.StatusConflict, "unknown_state", httpapi.Sentence(err))
		return turn{}, false
	}
	t := turn{c.Messages, album{}, protocol.Approval{Ask: g.Ask, State: c.Agent, Answers: g.Answers}}
	t.pictures.add(g.Earlier)
	digests := t.pictures.add(g.Images)
	if !g.isAnswer() {
		if c.Waits {
			// The visitor asks something else instead.
			t.messages = t.messages[:len(t.messages)-1]
		}
		t.messages = append(t.messages, message{Role: "user", Content: g.Message, Pictures: digests})
	}
	return t, true
}

// check returns what is wrong with the words and images of a request.
func (h handler) check(g *given) error {
	g.Message = strings.TrimSpace(g.Message)
	isEmpty := g.Message == "" && len(g.Images) == 0 && !g.isAnswer()
	switch {
	case len(g.Images) > 0 && !h.takesImages:
		return images.ErrNotTaken
	case len(g.Images) > mostPictures:
		return fmt.Errorf("a message has at most %d images", mostPictures)
	case isEmpty || utf8.RuneCountInString(g.Message) > maxQuestion:
		return fmt.Errorf("a message has 1 to %d characters", maxQuestion)
	}
	for _, image := range g.Images {
		if _, err := images.Decode(image.Data); err != nil {
			return err
		}
	}
	return nil
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
	closing := map[string]string{"type": "error", "code": last.Code, "message": sentence(last)}
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
		c.Messages = append(c.Messages, message{Role: "assistant", Content: last.Text})
	}
	return h.states.encode(c)
}

// ask returns the closing event. If a done event has no text, it gets the text
// of the tokens.
func (h handler) ask(ctx context.Context, t turn, observe func(protocol.Event, []byte) error) protocol.Event {
	var text strings.Builder
	request := protocol.Request{Messages: t.pictures.complete(t.messages)}
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
