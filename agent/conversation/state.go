package conversation

import (
	"encoding/json"

	"agent.local/a0000000000000000/budget"
	"agent.local/a0000000000000000/providers"
)

// kept is the trust in a conversation after an answer, and what it used.
type kept struct {
	Config string        `json:"config"`
	After  string        `json:"after"`
	Trust  trust         `json:"trust"`
	Spent  budget.Amount `json:"spent,omitzero"`
	// Summary stands for messages that the model no longer sees.
	Summary summaryState `json:"summary,omitzero"`
}

// stateOf returns what the state of a request shows of its conversation.
func (t *turn) stateOf(asked []providers.Message) kept {
	var k kept
	text, ok := t.sealer.Open(trustPurpose, t.asked.Approval.State)
	if !ok || json.Unmarshal([]byte(text), &k) != nil || k.Config != t.config.SHA256 || k.After != lastAnswer(asked) {
		return kept{Trust: t.withoutState(asked)}
	}
	return k
}

// settle adds to the closing event what the next request and who shows the answer need.
func (t *turn) settle(done *doneEvent) {
	if t.trust.Tainted {
		done.Untrusted, done.Links = true, t.trust.Hosts
	}
	if t.asked.Approval.Ask && (t.isGuarded() || t.config.Limits.HasBudget() || t.seen.summary != "") {
		done.State = t.sealed(trustPurpose, kept{
			t.config.SHA256, digest(t.text.String()), t.trust, t.before.Plus(t.spent), t.summaryState(),
		})
	}
}

func (t *turn) sealed(purpose string, value any) string {
	encoded, _ := json.Marshal(value)
	return t.sealer.Seal(purpose, string(encoded))
}
