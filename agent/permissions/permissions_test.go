package permissions

import (
	"encoding/json"
	"strings"
	"testing"
)

func rules(t *testing.T, texts ...string) (parsed []Rule) {
	t.Helper()
	for _, text := range texts {
		rule, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, rule)
	}
	return parsed
}

func TestDecide(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		rules     []string
		arguments string
		hosts     []string
		want      Permission
	}{
		{"none", nil, `{}`, nil, Ask},
		{"for all calls", []string{"allow"}, `{}`, nil, Allow},
		{"the strictest for all calls", []string{"allow", "deny"}, `{}`, nil, Deny},
		{"deny before allow", []string{"allow url=*", "deny url=*/private*"}, `{"url":"https://a/private/x"}`, nil, Deny},
		{"ask before allow", []string{"allow url=*", "ask url=*b*"}, `{"url":"abc"}`, nil, Ask},
		{"pattern before the rule for all", []string{"deny", "allow url=https://a/*"}, `{"url":"https://a/x"}`, nil, Allow},
		{"the rule for all the rest", []string{"deny", "allow url=https://a/*"}, `{"url":"https://b/x"}`, nil, Deny},
		{"refused in any case", []string{"allow", "deny url=*evil*"}, `{"url":"https://EVIL"}`, nil, Deny},
		{"allowed only as written", []string{"allow path=notes/*"}, `{"path":"NOTES/x"}`, nil, Ask},
		{"an argument that is not there", []string{"allow path=*"}, `{}`, nil, Ask},
		{"one of the hosts", []string{"allow", "deny host=b"}, `{}`, []string{"a", "b"}, Deny},
		{"all of the hosts", []string{"allow host=a"}, `{}`, []string{"a", "b"}, Ask},
		{"no host", []string{"allow host=*"}, `{}`, []string{}, Ask},
		{"an argument called host is not the host", []string{"allow host=a"}, `{"host":"a"}`, []string{"b"}, Ask},
		{"a number", []string{"deny count=3"}, `{"count":3}`, nil, Deny},
		{"several lines", []string{"deny text=*secret*"}, `{"text":"a\nsecret\nb"}`, nil, Deny},
	}
	for _, test := range tests {
		var arguments map[string]json.RawMessage
		if err := json.Unmarshal([]byte(test.arguments), &arguments); err != nil {
			t.Fatal(err)
		}
		if got := Decide(rules(t, test.rules...), Call{arguments, test.hosts}, Ask); got != test.want {
			t.Errorf("%s: %s", test.name, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "permit", "allow url", "allow =x", "allow url=", "allow 1a=x", "allow a=x\nb", "allow a= x"} {
		if rule, err := Parse(text); err == nil {
			t.Errorf("%q is %+v", text, rule)
		}
	}
}

func TestGlobIsQuick(t *testing.T) {
	t.Parallel()
	if Glob(strings.Repeat("*a", 50)+"b", strings.Repeat("a", 20_000)) {
		t.Error("matched")
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a*?", "abc")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !Glob("*", text) || !strings.ContainsAny(text, "*?") && !Glob(text, text) {
			t.Errorf("%q", text)
		}
		Glob(pattern, text)
	})
}

func TestLongRules(t *testing.T) {
	t.Parallel()
	for rule, ok := range map[string]bool{
		"allow a=" + strings.Repeat("ä", 500): true, "allow a=" + strings.Repeat("ä", 501): false,
		"allow " + strings.Repeat("a", 64) + "=x": true, "allow " + strings.Repeat("a", 65) + "=x": false,
	} {
		if _, err := Parse(rule); (err == nil) != ok {
			t.Errorf("%.80s: %v", rule, err)
		}
	}
}
