package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"agent.local/a0000000000000000/mcpspec"
	"agent.local/a0000000000000000/protocol"
)

// elicit is the method that asks the person at a client.
const elicit = "elicitation/create"

// The first version with a handshake that has it.
const firstToElicit = "2025-06-18"

var errNobody = errors.New("nobody can be asked here")

// canAsk reports whether the client of a call can ask a person: in the version without a
// handshake it says so with each request, otherwise it said so at its beginning.
func (s *Server) canAsk(r request, from peer) bool {
	if !s.manifest.Knows("approval") {
		return false
	}
	if r.isModern() {
		return showsForms(r.Params.Meta[mcpspec.MetaCapabilities])
	}
	return from.ask != nil
}

// elicits reports whether the client that sends initialize shows forms to a person.
func (r request) elicits() bool {
	version := r.Params.ProtocolVersion
	return r.Method == "initialize" && (version >= firstToElicit || !slices.Contains(mcpspec.Legacy, version)) &&
		showsForms(r.Params.Capabilities)
}

// showsForms reads the capabilities of a client. One that names no kind of question takes
// forms.
func showsForms(capabilities json.RawMessage) bool {
	var known struct {
		Elicitation *struct{ Form, URL *json.RawMessage }
	}
	if json.Unmarshal(capabilities, &known) != nil || known.Elicitation == nil {
		return false
	}
	return known.Elicitation.Form != nil || known.Elicitation.URL == nil
}

// approval returns what a call says of approvals: of one that goes on, the answers.
func (r request) approval() *protocol.Approval {
	approval := &protocol.Approval{Ask: true}
	if r.isModern() {
		approval.State = r.Params.RequestState
		for id, response := range r.Params.InputResponses {
			approval.Answers = append(approval.Answers, verdict(id, response))
		}
	}
	return approval
}

// inputRequired is the result that asks the person of a client without a handshake. The
// client repeats its request with the answers.
func inputRequired(questions []protocol.Event, state string) map[string]any {
	requests := map[string]any{}
	for _, question := range questions {
		requests[question.ID] = map[string]any{"method": elicit, "params": form(question)}
	}
	return map[string]any{"resultType": "input_required", "inputRequests": requests, "requestState": state}
}

// askEach asks the person of a client with a handshake. What they don't answer is no.
func askEach(ctx context.Context, from peer, questions []protocol.Event) []protocol.Answer {
	answers := make([]protocol.Answer, 0, len(questions))
	for _, question := range questions {
		expires, _ := time.Parse(time.RFC3339, question.Expires)
		waiting, cancel := context.WithDeadline(ctx, expires)
		response, err := from.ask(waiting, elicit, form(question))
		cancel()
		answer := verdict(question.ID, response)
		if err != nil {
			answer.Word = err.Error()
		}
		answers = append(answers, answer)
	}
	return answers
}

// form is a question to a person: the call in full, and what the answer may be.
func form(question protocol.Event) map[string]any {
	message := fmt.Sprintf("May %s run with %s?\n%s", question.Tool, question.Shown(), question.Reason)
	return map[string]any{
		"message": strings.TrimSpace(message),
		"requestedSchema": map[string]any{
			"type": "object", "required": []string{"answer"},
			"properties": map[string]any{
				"answer": map[string]any{
					"type": "string", "title": "Answer", "enum": []string{protocol.Once, protocol.Conversation, protocol.Deny},
					"description": "once: this call; conversation: until this answer is complete, " + protocol.Escaped(cmp.Or(question.Covers, "the same arguments")) + "; deny: no",
				},
				"word": map[string]any{"type": "string", "title": "Word", "description": "With deny: what the agent should know or do instead."},
			},
		},
	}
}

// verdict reads the response to a form. What is not clearly a yes is no.
func verdict(id string, response json.RawMessage) protocol.Answer {
	var given struct {
		Action  string
		Content struct{ Answer, Word string }
	}
	err := json.Unmarshal(response, &given)
	isYes := given.Content.Answer == protocol.Once || given.Content.Answer == protocol.Conversation
	if err == nil && given.Action == "accept" && isYes {
		return protocol.Answer{ID: id, Answer: given.Content.Answer}
	}
	return protocol.Answer{ID: id, Answer: protocol.Deny, Word: given.Content.Word}
}
