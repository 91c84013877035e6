package conversation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"agent.local/a0000000000000000/budget"
	"agent.local/a0000000000000000/once"
	"agent.local/a0000000000000000/providers"
)

const (
	// A person may be called away, but what they approve should be what they remember.
	approvalTime = 15 * time.Minute
	maxWord      = 1000
	maxAnswers   = 100
)

// finishApproval is the finish of a turn that waits for a person.
const finishApproval = "approval"

const (
	pendingPurpose = "approval"
	trustPurpose   = "trust"
)

// approvalRequest is what the sender of a request says of approvals.
type approvalRequest struct {
	// Ask reports that the sender can ask a person, and sends the answers in a request
	// of their own.
	Ask bool `json:"ask"`
	// Allow has the tools or functions that the sender approved beforehand.
	Allow []string `json:"allow"`
	// State is that of the last done event of the conversation.
	State   string   `json:"state"`
	Answers []answer `json:"answers"`
}

// answer is a person's: "once", "conversation" or "deny", with a word for the model.
type answer struct {
	ID     string `json:"id"`
	Answer string `json:"answer"`
	Word   string `json:"word"`
}

// pendingCall is a call that waits for a person. Digest is that of the call.
type pendingCall struct {
	ID      string         `json:"id"`
	Call    providers.Call `json:"call"`
	Digest  string         `json:"digest"`
	Reason  string         `json:"reason"`
	Expires int64          `json:"expires"`
}

// suspended is a turn that waits for approvals.
type suspended struct {
	Config    string              `json:"config"`
	Holder    string              `json:"holder,omitempty"`
	Asked     string              `json:"asked"`
	Messages  []providers.Message `json:"messages"`
	Pending   []pendingCall       `json:"pending"`
	Text      string              `json:"text"`
	Rounds    int                 `json:"rounds"`
	Used      int                 `json:"used"`
	Usage     providers.Usage     `json:"usage"`
	Replaced  bool                `json:"replaced,omitempty"`
	Own       providers.Usage     `json:"own,omitzero"`
	IDs       []string            `json:"ids"`
	Trust     trust               `json:"trust"`
	Paragraph bool                `json:"paragraph"`
	// Before is what the conversation used before this turn, Spent what this turn did.
	Before budget.Amount `json:"before,omitzero"`
	Spent  budget.Amount `json:"spent,omitzero"`
	// Summary stands for the first Skipped messages.
	Summary string `json:"summary,omitempty"`
	Skipped int    `json:"skipped,omitempty"`
	// Results counts the handles that were given out; what they stood for is not kept.
	Results int `json:"results,omitempty"`
}

// start begins a turn, or goes on with one that waited for approvals.
func (t *turn) start(ctx context.Context) (doneEvent, error) {
	text, isPending := t.sealer.Open(pendingPurpose, t.asked.Approval.State)
	var s suspended
	isOurs := isPending && json.Unmarshal([]byte(text), &s) == nil && s.Config == t.config.SHA256
	answers := len(t.asked.Approval.Answers) > 0
	if !isOurs && !answers {
		state := t.stateOf(t.asked.messages)
		t.believe(state.Trust)
		t.before = state.Spent.AtLeast(t.ledger.Conversation(exchangeBefore(t.asked.messages)))
		t.remembered(state.Summary)
		return t.run(ctx)
	}
	if !answers {
		// The person asked something else instead.
		t.believe(s.Trust)
		t.before = s.Before.Plus(s.Spent)
		t.remembered(summaryState{})
		return t.run(ctx)
	}
	if !isOurs || s.Holder != t.spentStates.holderFor(ctx) {
		return doneEvent{}, badRequest("the state of this approval is not known here: the agent was restarted or changed; ask again")
	}
	if s.Asked != digestOf(t.messages) {
		return doneEvent{}, badRequest("the approval belongs to another conversation; ask again")
	}
	if err := t.spend(ctx, digest(text), s.Pending); err != nil {
		return doneEvent{}, err
	}
	return t.resume(ctx, s)
}

// canAsk reports whether a person can be asked. Where it can't be kept that an answer came,
// the answer could count in each process.
func (t *turn) canAsk(ctx context.Context) bool {
	return t.asked.Approval.Ask && once.From(ctx) != once.Nowhere
}

// pend keeps a call for a person, and asks.
func (t *turn) pend(p preparedCall, reason string) error {
	call := p.call
	call.Arguments = string(p.arguments)
	return t.askPerson(p, pendingCall{
		ID: rand.Text(), Call: call, Digest: digest(p.tool.Name, string(p.arguments)), Reason: reason,
		Expires: time.Now().Add(approvalTime).Unix(),
	})
}

func (t *turn) askPerson(p preparedCall, pending pendingCall) error {
	t.pending = append(t.pending, pending)
	return t.out.send(approvalEvent{
		Type: "approval", ID: pending.ID, CallID: p.call.ID, Tool: p.tool.Name, Arguments: p.arguments, May: p.tool.May.Words(),
		Reason: pending.Reason, Covers: coversOf(p), Expires: time.Unix(pending.Expires, 0).UTC().Format(time.RFC3339),
	})
}

// suspend ends the turn until a person has answered.
func (t *turn) suspend(ctx context.Context) (doneEvent, error) {
	ids := make([]string, 0, len(t.ids))
	for id := range t.ids {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	state := suspended{
		Config: t.config.SHA256, Holder: t.spentStates.holderFor(ctx), Asked: digestOf(t.messages[:t.given]), Messages: t.messages[t.given:], Pending: t.pending,
		Text: t.text.String(), Rounds: t.rounds, Used: t.used, Usage: t.usage, Replaced: t.replaced, Own: t.own, IDs: ids, Trust: t.trust, Paragraph: t.newParagraph,
		Before: t.before, Spent: t.spent, Summary: t.seen.summary, Skipped: t.seen.skipped, Results: t.results.count,
	}
	return doneEvent{Finish: finishApproval, State: t.sealed(pendingPurpose, state)}, nil
}

// resume runs what was approved, once, and tells the model what was not. Calls that
// nobody answered in time are denied; the others go on waiting.
func (t *turn) resume(ctx context.Context, s suspended) (doneEvent, error) {
	t.messages = append(t.messages, s.Messages...)
	t.text.WriteString(s.Text)
	t.believe(s.Trust)
	t.rounds, t.used, t.usage, t.newParagraph = s.Rounds, s.Used, s.Usage, s.Paragraph
	t.before, t.spent = s.Before, s.Spent
	t.seen.skipped, t.seen.summary = min(s.Skipped, max(0, t.given-1)), s.Summary
	if t.results.count = s.Results; s.Results > 0 {
		t.offerReadOn()
	}
	t.replaced, t.own = s.Replaced && t.fallback.isUsable(), s.Own
	for _, id := range s.IDs {
		t.ids[id] = true
	}
	for _, pending := range s.Pending {
		if err := t.answerPending(ctx, pending); err != nil {
			return doneEvent{}, err
		}
	}
	if len(t.pending) > 0 {
		return t.suspend(ctx)
	}
	t.used++
	return t.run(ctx)
}

// spend claims the state that the answers are for: if it is sent again, to this process or
// another one, it must not run a call again. What nobody answered yet waits in a new state.
func (t *turn) spend(ctx context.Context, state string, calls []pendingCall) error {
	if len(t.asked.Approval.Answers) > maxAnswers {
		return badRequest("a request has at most %d answers", maxAnswers)
	}
	expires := int64(0)
	isForACall := false
	for _, pending := range calls {
		_, answered := t.answerTo(pending.ID)
		isForACall = isForACall || answered || pending.isExpired()
		expires = max(expires, pending.Expires)
	}
	if !isForACall {
		return badRequest("none of the answers is for a call that waits; load the conversation again")
	}
	return t.spentStates.claim(ctx, state, time.Unix(expires, 0).Add(approvalTime))
}

func (t *turn) answerPending(ctx context.Context, pending pendingCall) error {
	p := t.prepare(pending.Call)
	if p.fault != "" || digest(p.tool.Name, string(p.arguments)) != pending.Digest {
		return badRequest("the approved call is not the one that was shown; ask again")
	}
	reply, answered := t.answerTo(pending.ID)
	switch {
	case pending.isExpired():
		return t.answerCall(ctx, p, "not run: nobody approved this call in time; answer without it")
	case !answered:
		return t.askPerson(p, pending)
	case reply.Answer == "conversation":
		t.trust.grant(grant{p.tool.Name, scopeOf(p), t.trust.Tainted})
	case reply.Answer != "once":
		return t.answerCall(ctx, p, denial(reply.Word))
	}
	return t.answerCall(ctx, p, "")
}

func (p pendingCall) isExpired() bool { return time.Now().Unix() >= p.Expires }

func (t *turn) answerTo(id string) (answer, bool) {
	index := slices.IndexFunc(t.asked.Approval.Answers, func(a answer) bool { return a.ID == id })
	if index < 0 {
		return answer{}, false
	}
	return t.asked.Approval.Answers[index], true
}

func denial(word string) string {
	word = strings.TrimSpace(word)
	if word == "" {
		return "not run: the person declined this call; do not try again, answer without it"
	}
	return fmt.Sprintf("not run: the person declined this call and says: %.*s", maxWord, word)
}

// digestOf identifies the messages of a request.
func digestOf(messages []providers.Message) string {
	parts := make([]string, 0, 2*len(messages))
	for _, m := range messages {
		parts = append(parts, string(m.Role), m.Text)
		for _, image := range m.Images {
			parts = append(parts, image.Data)
		}
	}
	return digest(parts...)
}
