package conversation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"agent.local/a0000000000000000/permissions"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/tools"
)

// rulesOf parses the rules of agent.json, by tool or function.
func rulesOf(texts map[string][]string, chosen []tools.Tool) (map[string][]permissions.Rule, error) {
	rules := map[string][]permissions.Rule{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !slices.ContainsFunc(chosen, func(t tools.Tool) bool { return t.Name == name || t.Owner() == name }) {
			return nil, fmt.Errorf("there are permissions for %q, which the agent does not have", name)
		}
		for _, text := range texts[name] {
			rule, err := permissions.Parse(text)
			if err != nil {
				return nil, fmt.Errorf("the permissions of %q: %w", name, err)
			}
			rules[name] = append(rules[name], rule)
		}
	}
	return rules, nil
}

// rulesFor returns the rules of a function and of the tool that it belongs to.
func (a *Agent) rulesFor(tool tools.Tool) []permissions.Rule {
	rules := a.rules[tool.Name]
	if tool.Owner() != tool.Name {
		rules = slices.Concat(rules, a.rules[tool.Owner()])
	}
	return rules
}

// mayDo returns what the calls of each guarded function may do.
func (a *Agent) mayDo() map[string][]string {
	may := map[string][]string{}
	for _, tool := range a.tools {
		if tool.IsGuarded() {
			may[tool.Name] = tool.May.Words()
		}
	}
	return may
}

// judge returns whether a call runs, and the reason why a person is asked or the call
// refused. What writes asks unless a rule allows it. Once text from outside is in the
// conversation, what writes or reaches somewhere new asks in any case.
func (t *turn) judge(p preparedCall) (permissions.Permission, string) {
	fallback := permissions.Allow
	reason := fmt.Sprintf("The agent's owner wants to be asked before %s runs.", p.tool.Name)
	if p.tool.May&tools.Writes != 0 {
		fallback = permissions.Ask
		reason = p.tool.Name + " writes, and what it writes stays."
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(p.arguments, &fields)
	permission := permissions.Decide(t.rulesFor(p.tool), permissions.Call{Arguments: fields, Hosts: hostsOf(p)}, fallback)
	if permission == permissions.Deny {
		return permission, "a rule of the agent's owner denies this call"
	}
	if t.trust.Tainted && t.isRisky(p) {
		permission = permissions.Ask
		reason = "The conversation holds text from outside, which may have caused this call."
	}
	if permission == permissions.Ask && !t.isApproved(p) {
		return permissions.Ask, reason
	}
	return permissions.Allow, ""
}

// isRisky reports a call that could carry out the will of a text from outside: it
// writes, or it reaches a host or address that neither the user nor a result named.
func (t *turn) isRisky(p preparedCall) bool {
	if p.tool.May&tools.Writes != 0 {
		return true
	}
	if p.tool.May&tools.Reaches == 0 || p.tool.Host != "" {
		return false
	}
	addresses := addressesOf(p)
	return len(addresses) == 0 || slices.ContainsFunc(addresses, func(address string) bool {
		return !t.isSeen(address) || !t.isKnown(hostOf(address))
	})
}

// isKnown reports whether the conversation reached a host before, or the user named it.
func (t *turn) isKnown(host string) bool {
	return slices.Contains(t.trust.Hosts, host) || slices.ContainsFunc(t.messages, func(m providers.Message) bool {
		return m.Role == providers.User && slices.ContainsFunc(strings.FieldsFunc(m.Own(), isOutsideHost), func(word string) bool {
			return strings.EqualFold(strings.Trim(word, "."), host)
		})
	})
}

// isOutsideHost reports characters that end the name of a host in a sentence.
func isOutsideHost(r rune) bool {
	return r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// isApproved reports whether a person approved calls like this one before.
func (t *turn) isApproved(p preparedCall) bool {
	if slices.Contains(t.asked.Approval.Allow, p.tool.Name) || slices.Contains(t.asked.Approval.Allow, p.tool.Owner()) {
		return true
	}
	return slices.ContainsFunc(t.trust.Grants, func(g grant) bool {
		return g.Tool == p.tool.Name && g.Scope == scopeOf(p) && (g.Tainted || !t.trust.Tainted)
	})
}

// scopeOf identifies the calls that one approval for the conversation covers.
func scopeOf(p preparedCall) string {
	if p.tool.Scope != nil {
		return p.tool.Scope(p.arguments)
	}
	if hosts := hostsOf(p); len(hosts) > 0 && p.tool.May&tools.Writes == 0 {
		return "host " + strings.Join(hosts, ", ")
	}
	return "arguments " + digest(string(p.arguments))
}

// coversOf describes to a person the calls that an approval for the conversation covers.
func coversOf(p preparedCall) string {
	scope := scopeOf(p)
	if strings.HasPrefix(scope, "arguments ") {
		return "the same arguments"
	}
	return scope
}

func addressesOf(p preparedCall) []string {
	if p.tool.URLs == nil {
		return nil
	}
	return p.tool.URLs(p.arguments)
}

func hostsOf(p preparedCall) []string {
	if p.tool.Host != "" {
		return []string{p.tool.Host}
	}
	var hosts []string
	for _, address := range addressesOf(p) {
		if host := hostOf(address); host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// refusal returns the words for the model when a call does not run; empty if it does.
func refusal(permission permissions.Permission, reason string) string {
	switch permission {
	case permissions.Deny:
		return "not run: " + reason + "; do not try again, answer without it"
	case permissions.Ask:
		return "not run: this call needs a person's approval, and nobody can be asked here; say what you would have done, and answer without it"
	}
	return ""
}
