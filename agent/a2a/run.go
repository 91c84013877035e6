package a2a

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/protocol"
)

// resume continues a task that waits for a person, with the person's answer.
func (s *Server) resume(ctx context.Context, id string, m incoming, answer question) (*task, *failure) {
	t := s.store.task(id)
	if t == nil {
		return nil, errNoTask
	}
	if m.ContextID != "" && m.ContextID != t.conversation.id {
		return nil, invalidParams("message.contextId", "is not the task's")
	}
	if len(answer.images) > 0 {
		return nil, invalidParams("message.parts", "an answer to a question of the agent has text only")
	}
	text := answer.text
	ids, seal, refused := t.claim(m, text)
	if refused != nil {
		return nil, refused
	}
	answers := &protocol.Approval{Ask: true, State: seal}
	for _, id := range ids {
		given := verdict(text)
		given.ID = id
		answers.Answers = append(answers.Answers, given)
	}
	go s.run(context.WithoutCancel(ctx), t, answers)
	return t, nil
}

// verdict reads a person's answer. What is neither yes nor always is no.
func verdict(text string) protocol.Answer {
	switch strings.ToLower(strings.Trim(text, " .!\n")) {
	case "yes", "y", "once", "ok", "allow", "approve", "approved":
		return protocol.Answer{Answer: protocol.Once}
	case "always", "conversation":
		return protocol.Answer{Answer: protocol.Conversation}
	case "no", "n", "deny":
		return protocol.Answer{Answer: protocol.Deny}
	}
	return protocol.Answer{Answer: protocol.Deny, Word: text}
}

// run asks the agent and updates the task. It ends with the task ended or waiting.
func (s *Server) run(ctx context.Context, t *task, answers *protocol.Approval) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	messages, seal := t.conversation.with(t.question)
	if answers == nil && s.manifest.Knows("approval") && !s.options.Stateless {
		answers = &protocol.Approval{Ask: true, State: seal}
	}
	t.mu.Lock()
	t.stop = stop
	isOver := t.state.isTerminal()
	t.mu.Unlock()
	if isOver {
		return
	}
	t.append(update{state: working})
	var questions []string
	var pending []string
	asked := protocol.Request{Messages: messages, Approval: answers}
	if s.manifest.Knows("hops") {
		asked.Hops = t.hops
	}
	done, err := protocol.Handle(ctx, s.agent, asked.Encode(), func(e protocol.Event, _ []byte) error {
		switch e.Type {
		case "token":
			t.append(update{text: e.Text})
		case "approval":
			pending = append(pending, e.ID)
			questions = append(questions, approvalQuestion(e))
		}
		return nil
	})
	switch {
	case err != nil:
		t.append(update{state: failureState(done.Code), said: say(err.Error())})
	case done.Finish == protocol.FinishApproval:
		t.mu.Lock()
		t.pending, t.seal = pending, done.State
		t.mu.Unlock()
		text := strings.Join(append(questions, "Answer yes, always (for this conversation), or no with a reason."), "\n")
		t.append(update{state: inputRequired, said: say(text)})
	default:
		if t.settle(done.Text) {
			t.conversation.add(t.question, done.Text, done.State)
		}
		t.append(update{state: completed})
	}
	s.store.trim()
}

// settle makes the text of the answer the one that the agent closed with. It returns
// false if the task was cancelled before.
func (t *task) settle(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.isTerminal() {
		return false
	}
	t.text = text
	return true
}

func approvalQuestion(e protocol.Event) string {
	return fmt.Sprintf("May %s run with %s?", e.Tool, e.Shown())
}

func failureState(code string) state {
	switch code {
	case "cancelled":
		return canceled
	case "busy", "bad_request":
		return rejected
	}
	return failed
}

func say(text string) *note { return &note{id: rand.Text(), text: text} }
