package conversation

import (
	"slices"

	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/tools"
)

const (
	maxHosts  = 100
	maxGrants = 100
)

// trust is how far a conversation can be trusted: whether text from outside is in it,
// the hosts that it reached, and what a person approved.
type trust struct {
	Tainted bool     `json:"tainted,omitempty"`
	Hosts   []string `json:"hosts,omitempty"`
	Grants  []grant  `json:"grants,omitempty"`
}

// grant is an approval for the rest of a conversation. One that was given before the
// conversation was tainted ends with that.
type grant struct {
	Tool    string `json:"tool"`
	Scope   string `json:"scope"`
	Tainted bool   `json:"tainted,omitempty"`
}

// note records that a call runs.
func (t *trust) note(tool tools.Tool, hosts []string) {
	t.Tainted = t.Tainted || tool.Untrusted
	for _, host := range hosts {
		if !slices.Contains(t.Hosts, host) && len(t.Hosts) < maxHosts {
			t.Hosts = append(t.Hosts, host)
		}
	}
}

// believe takes over the trust in a conversation. What another program's tools returned is
// text from outside.
func (t *turn) believe(kept trust) {
	t.trust = kept
	t.trust.Tainted = kept.Tainted || slices.ContainsFunc(t.asked.messages, func(m providers.Message) bool { return m.Outside > 0 })
}

func (t *trust) grant(g grant) {
	if !slices.Contains(t.Grants, g) && len(t.Grants) < maxGrants {
		t.Grants = append(t.Grants, g)
	}
}

// isGuarded reports whether an agent has tools for which trust matters.
func (a *Agent) isGuarded() bool {
	return len(a.rules) > 0 || slices.ContainsFunc(a.tools, tools.Tool.IsGuarded)
}

// withoutState returns the trust in a conversation whose state nobody kept: its
// answers may repeat what a tool brought in from outside.
func (a *Agent) withoutState(messages []providers.Message) trust {
	answered := slices.ContainsFunc(messages, func(m providers.Message) bool { return m.Role == providers.Assistant })
	return trust{Tainted: answered && slices.ContainsFunc(a.tools, func(t tools.Tool) bool { return t.Untrusted })}
}

// lastAnswer identifies the place in a conversation that a state belongs to.
func lastAnswer(messages []providers.Message) string {
	for _, m := range slices.Backward(messages) {
		if m.Role == providers.Assistant {
			return digest(m.Text)
		}
	}
	return ""
}
