package conversation

import (
	"strings"
	"testing"

	"agent.local/a0000000000000000/providers"
)

func TestRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rules map[string][]string
		call  providers.Call
		want  string
	}{
		{map[string][]string{"notes": {"allow"}}, save("x"), "run"},
		{map[string][]string{"notes_save": {"allow path=a.*"}}, save("x"), "run"},
		{map[string][]string{"notes": {"allow", "deny text=*SECRET*"}}, save("my secret"), "denied"},
		{map[string][]string{"notes": {"allow", "deny text=*SECRET*"}}, providers.Call{Name: "notes_save", Arguments: `{"TEXT":"my secret"}`}, "no argument"},
		{map[string][]string{"notes": {"allow", "deny text=*b*"}}, providers.Call{Name: "notes_save", Arguments: `{"text":"a","text":"b"}`}, "denied"},
		{map[string][]string{"page": {"ask"}}, open("https://a.example/"), "ask"},
		{map[string][]string{"page": {"deny host=*.example"}}, open("https://a.example/"), "denied"},
		{map[string][]string{"calculator": {"deny"}}, providers.Call{Name: "calculator"}, "denied"},
		{nil, open("https://a.example/"), "run"},
	}
	for i, test := range tests {
		p, _ := newPerson(t, test.rules, calls("", test.call), answers("ok"))
		done := p.ask("go")
		got := "run"
		switch results := p.of("tool_result"); {
		case done["finish"] == "approval":
			got = "ask"
		case results[0]["error"] == true:
			got = results[0]["result"].(string)
		}
		if !strings.Contains(got, strings.TrimPrefix(test.want, "denied")) || test.want == "denied" && !strings.Contains(got, "denies") {
			t.Errorf("%d: %s, want %s", i, got, test.want)
		}
		if (test.want == "run") != (len(p.runs.list) == 1) {
			t.Errorf("%d: %v", i, p.runs.list)
		}
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	a, _ := sampleAgent(t, nil)
	for _, rules := range []map[string][]string{{"rocket": {"allow"}}, {"clock": {"perhaps"}}} {
		if _, err := rulesOf(rules, a.tools); err == nil {
			t.Errorf("%v", rules)
		}
	}
}
