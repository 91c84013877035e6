// Package permissions decides whether a call of a tool runs, asks a person first, or
// is refused, by rules on its arguments.
package permissions

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Permission is what may happen to a call.
type Permission string

// The permissions, the strictest first.
const (
	Deny  Permission = "deny"
	Ask   Permission = "ask"
	Allow Permission = "allow"
)

// Host is the name by which rules match the hosts that a call would reach.
const Host = "host"

// Rule gives a permission to the calls whose argument matches the pattern; without
// an argument, to all calls that no other rule matches.
type Rule struct {
	Permission Permission
	Argument   string
	Pattern    string
}

// The lengths are checked apart: counted in the expression, they would take a fifth of
// the time in which an agent answers to compile, at each start.
var syntax = regexp.MustCompile(`^(allow|ask|deny)(?: +([A-Za-z][A-Za-z0-9_]*)=(\S.*))?$`)

const (
	maxArgument = 64
	maxPattern  = 500
)

// Parse reads one rule: "ask", or "allow url=https://example.org/*". In a pattern, *
// stands for any characters and ? for one.
func Parse(text string) (Rule, error) {
	parts := syntax.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil || len(parts[2]) > maxArgument || utf8.RuneCountInString(parts[3]) > maxPattern {
		return Rule{}, fmt.Errorf("%q is not a rule such as %q or %q", text, "ask", "allow url=https://example.org/*")
	}
	return Rule{Permission(parts[1]), parts[2], parts[3]}, nil
}

// Call is what rules match: the arguments of a call, and the hosts it would reach.
type Call struct {
	Arguments map[string]json.RawMessage
	Hosts     []string
}

// Decide returns the permission of a call. Rules with an argument come first: those
// that deny, then those that ask, then those that allow. Then the rule without an
// argument counts, and without one the fallback.
func Decide(rules []Rule, call Call, fallback Permission) Permission {
	for _, permission := range []Permission{Deny, Ask, Allow} {
		for _, rule := range rules {
			if rule.Permission == permission && rule.Argument != "" && rule.matches(call) {
				return permission
			}
		}
	}
	for _, permission := range []Permission{Deny, Ask, Allow} {
		for _, rule := range rules {
			if rule.Permission == permission && rule.Argument == "" {
				return permission
			}
		}
	}
	return fallback
}

// matches compares without regard to case unless the rule allows: a rule that
// refuses must not be avoided by another spelling. One of several hosts suffices
// to refuse, all must match to allow.
func (r Rule) matches(call Call) bool {
	if r.Argument == Host && call.Hosts != nil {
		matching := 0
		for _, host := range call.Hosts {
			if r.fits(host) {
				matching++
			}
		}
		return matching > 0 && (r.Permission != Allow || matching == len(call.Hosts))
	}
	value, given := call.Arguments[r.Argument]
	return given && r.fits(text(value))
}

func (r Rule) fits(value string) bool {
	if r.Permission == Allow {
		return Glob(r.Pattern, value)
	}
	return Glob(strings.ToLower(r.Pattern), strings.ToLower(value))
}

// text returns the characters of a JSON string, or other JSON as it is.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// Glob reports whether text matches a pattern with * and ?, in linear memory and at
// most quadratic time.
func Glob(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	at, star, resume := 0, -1, 0
	for i := 0; i < len(t); {
		switch {
		case at < len(p) && p[at] == '*':
			star, resume = at, i
			at++
		case at < len(p) && (p[at] == '?' || p[at] == t[i]):
			at++
			i++
		case star >= 0:
			resume++
			at, i = star+1, resume
		default:
			return false
		}
	}
	for at < len(p) && p[at] == '*' {
		at++
	}
	return at == len(p)
}
