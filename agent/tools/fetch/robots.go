package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"agent.local/a0000000000000000/outbound"
)

const (
	robotsTime = time.Hour
	// A host that fails may be back soon.
	faultTime = time.Minute
	// RFC 9309, section 2.5: at least 500 KiB must be read.
	maxRobots = 500 << 10
	maxKept   = 100
	product   = "agentforge-agent"
)

// robots judges pages by the robots.txt of their host (RFC 9309).
type robots struct {
	client *outbound.Client
	ignore bool
	mu     sync.Mutex
	kept   map[string]keptRules
}

// keptRules are those of a host, or why they can't be read.
type keptRules struct {
	rules []robotsRule
	fault error
	until time.Time
}

type robotsRule struct {
	allow   bool
	pattern string
}

func newRobots(client *outbound.Client, ignore bool) *robots {
	return &robots{client: client, ignore: ignore, kept: map[string]keptRules{}}
}

// check returns why a page is not to be read, in words for the model; nil if it may be.
func (r *robots) check(ctx context.Context, page *url.URL) error {
	if r.ignore {
		return nil
	}
	place := page.Scheme + "://" + page.Host
	r.mu.Lock()
	known, ok := r.kept[place]
	r.mu.Unlock()
	if !ok || time.Now().After(known.until) {
		rules, err := r.load(ctx, place)
		known = keptRules{rules, err, time.Now().Add(robotsTime)}
		if err != nil {
			known.until = time.Now().Add(faultTime)
		}
		// What a cancelled request did not read says nothing.
		if ctx.Err() == nil {
			r.keep(place, known)
		}
	}
	if known.fault != nil {
		return fmt.Errorf("whether programs may read this page is not known: the robots.txt of %s can't be read: %w", page.Host, known.fault)
	}
	if !permits(known.rules, page) {
		return fmt.Errorf("the robots.txt of %s asks programs not to read this page", page.Host)
	}
	return nil
}

func (r *robots) keep(place string, rules keptRules) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= maxKept {
		clear(r.kept)
	}
	r.kept[place] = rules
}

// load returns the rules of a host. Without the file everything is allowed; while the
// host fails, nothing is (RFC 9309, section 2.3.1), and the error says why.
func (r *robots) load(ctx context.Context, place string) ([]robotsRule, error) {
	u, err := r.client.Check(place + "/robots.txt")
	if err != nil {
		return nil, err
	}
	response, err := r.client.Get(ctx, u, "text/plain")
	if err != nil {
		return nil, reasonOf(ctx, err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= http.StatusInternalServerError:
		return nil, fmt.Errorf("the host answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	case response.StatusCode != http.StatusOK:
		return nil, nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxRobots))
	return rulesOf(string(body)), nil
}

// rulesOf returns the rules for this program, or else those for all.
func rulesOf(text string) []robotsRule {
	groups := map[string][]robotsRule{}
	var agents []string
	inAgents := false
	for _, line := range strings.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == '\r' }) {
		line, _, _ = strings.Cut(line, "#")
		name, value, found := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !found:
		case name == "user-agent":
			if !inAgents {
				agents = nil
			}
			agents, inAgents = append(agents, strings.ToLower(value)), true
		case name == "allow" || name == "disallow":
			inAgents = false
			for _, agent := range agents {
				// An empty pattern matches nothing, but the group is there.
				groups[agent] = append(groups[agent], robotsRule{name == "allow", value})
			}
		}
	}
	if own, ok := groups[product]; ok {
		return own
	}
	return groups["*"]
}

// permits returns what the longest matching rule says; of two equal ones, that which
// allows (RFC 9309, section 2.2.2).
func permits(rules []robotsRule, page *url.URL) bool {
	target := page.EscapedPath()
	if target == "" {
		target = "/"
	}
	if page.RawQuery != "" {
		target += "?" + page.RawQuery
	}
	allowed, longest := true, -1
	for _, rule := range rules {
		if rule.pattern == "" || !matches(rule.pattern, target) {
			continue
		}
		if length := len(rule.pattern); length > longest || length == longest && rule.allow {
			allowed, longest = rule.allow, length
		}
	}
	return allowed
}

// matches compares a pattern, in which * stands for any characters and $ for the end,
// with the beginning of a target.
func matches(pattern, target string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	first, rest, starred := strings.Cut(pattern, "*")
	target, found := strings.CutPrefix(target, first)
	for found && starred {
		first, rest, starred = strings.Cut(rest, "*")
		if !starred && whole {
			return strings.HasSuffix(target, first)
		}
		_, target, found = strings.Cut(target, first)
	}
	return found && (!whole || target == "")
}
