package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"agent.local/a0000000000000000/protocol"
)

// converse sends the messages, and asks the person about the calls that need one.
func (t *terminal) converse(ctx context.Context, messages []protocol.Message) (protocol.Event, error) {
	approval := protocol.Approval{Ask: t.interactive, State: t.state}
	for {
		request := protocol.Request{Messages: messages}
		if t.interactive {
			request.Approval = &approval
		}
		var asked []protocol.Event
		done, err := protocol.Handle(ctx, t.agent, request.Encode(), func(e protocol.Event, _ []byte) error {
			if e.Type == "approval" {
				asked = append(asked, e)
			}
			return t.show(e)
		})
		if err != nil {
			return done, err
		}
		t.state = done.State
		if done.Finish != protocol.FinishApproval {
			return done, nil
		}
		approval.State, approval.Answers = done.State, t.askAbout(ctx, asked)
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
	}
}

func (t *terminal) show(e protocol.Event) error {
	switch e.Type {
	case "token":
		_, err := io.WriteString(t.out, e.Text)
		return err
	case "tool_call":
		t.hint("[%s %s]\n", visible(e.Name), visible(string(e.Arguments)))
	case "fallback":
		t.hint("[%s; %s of %s answers]\n", visible(e.Reason), visible(e.Model), e.Provider)
	}
	return nil
}

// askAbout returns the person's answers. No answer in time denies a call.
func (t *terminal) askAbout(ctx context.Context, asked []protocol.Event) []protocol.Answer {
	answers := make([]protocol.Answer, 0, len(asked))
	for _, e := range asked {
		t.hint("\n%s %s\n%s\n", visible(e.Tool), visible(string(e.Arguments)), visible(e.Reason))
		t.hint("Run it? y: once, a: in this conversation (%s), n: no; or say what to do instead: ", visible(e.Covers))
		answers = append(answers, t.readAnswer(ctx, e))
	}
	return answers
}

func (t *terminal) readAnswer(ctx context.Context, e protocol.Event) protocol.Answer {
	denied := protocol.Answer{ID: e.ID, Answer: protocol.Deny}
	expires, err := time.Parse(time.RFC3339, e.Expires)
	if err != nil {
		return denied
	}
	timer := time.NewTimer(time.Until(expires))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return denied
	case <-timer.C:
		t.hint("\nNobody answered in time, so it does not run.\n")
		return denied
	case line, open := <-t.lines:
		if !open {
			return denied
		}
		return answerOf(e.ID, line)
	}
}

// answerOf reads a line: words other than yes, always and no deny with these words.
func answerOf(id, line string) protocol.Answer {
	line = strings.TrimSpace(line)
	switch strings.ToLower(line) {
	case "y", "yes":
		return protocol.Answer{ID: id, Answer: protocol.Once}
	case "a", "always":
		return protocol.Answer{ID: id, Answer: protocol.Conversation}
	case "", "n", "no":
		return protocol.Answer{ID: id, Answer: protocol.Deny}
	}
	return protocol.Answer{ID: id, Answer: protocol.Deny, Word: line}
}
