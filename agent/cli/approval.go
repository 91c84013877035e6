package cli

import (
	"context"
	"crypto/rand"
	"io"
	"strings"
	"time"

	"agent.local/a0000000000000000/protocol"
)

// The length of the word that a yes has: one of 32,768.
const codeLength = 3

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
		answers = append(answers, t.askOnce(ctx, e))
	}
	return answers
}

// askOnce asks about one call. Text from before the question does not answer it: what waits
// is discarded, and a yes has a word that only the question shows, since the rest of a
// paste may come after it.
func (t *terminal) askOnce(ctx context.Context, e protocol.Event) protocol.Answer {
	denied := protocol.Answer{ID: e.ID, Answer: protocol.Deny}
	expires, err := time.Parse(time.RFC3339, e.Expires)
	if err != nil {
		return denied
	}
	timer := time.NewTimer(time.Until(expires))
	defer timer.Stop()
	code := strings.ToLower(rand.Text()[:codeLength])
	t.keyboard.discard()
	t.hint("Run it? y %s: once, a %s: in this conversation (%s), n: no; or say what to do instead: ", code, code, visible(e.Covers))
	for {
		select {
		case <-ctx.Done():
			return denied
		case <-timer.C:
			t.hint("\nNobody answered in time, so it does not run.\n")
			return denied
		case line := <-t.keyboard.next():
			t.keyboard.taken()
			if !line.open {
				return denied
			}
			if answer, isComplete := answerOf(line.text, code); isComplete {
				answer.ID = e.ID
				return answer
			}
			t.hint("To run it, add the word that the question shows, as in: y %s\n", code)
		}
	}
}

// answerOf reads a line: yes and always with the code run the call, and without it are no
// answer; words other than no deny it with these words.
func answerOf(text, code string) (answer protocol.Answer, isComplete bool) {
	words := strings.Fields(strings.ToLower(text))
	hasCode := len(words) == 2 && words[1] == code
	if hasCode || len(words) == 1 {
		switch words[0] {
		case "y", "yes":
			return protocol.Answer{Answer: protocol.Once}, hasCode
		case "a", "always":
			return protocol.Answer{Answer: protocol.Conversation}, hasCode
		case "n", "no":
			return protocol.Answer{Answer: protocol.Deny}, true
		}
	}
	return protocol.Answer{Answer: protocol.Deny, Word: strings.TrimSpace(text)}, true
}
