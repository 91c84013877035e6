package skill_test

import (
	"encoding/json"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/tools"
	_ "agent.local/a0000000000000000/tools/skill"
)

const skills = `[
	{"name":"forms","description":"Fills in forms.","instructions":"Ask for the date.","license":"MIT",
	 "compatibility":"Needs a printer.",
	 "files":[{"path":"references/guide.md","text":"Use ink."},{"path":"scripts/fill.py","text":"print(1)\n"}]},
	{"name":"plain","description":"Says hello.","instructions":"Say hello."}
]`

func TestSkillsAndTheirFilesAreRead(t *testing.T) {
	t.Parallel()
	call := agenttest.Tool(t, "skill", skills, t.TempDir())
	for _, each := range []struct{ arguments, want string }{
		{`{"name":"plain"}`, "Say hello."},
		{`{"name":"forms"}`, "Compatibility: Needs a printer.\nLicense: MIT\n\nAsk for the date.\n\n" +
			"Files of this skill. Read one with file; scripts can be read, not run:\n" +
			"- references/guide.md (8 bytes)\n- scripts/fill.py (9 bytes)\n"},
		{`{"name":" Forms ","file":"references/guide.md"}`, "Use ink."},
		{`{"name":"forms","file":"./scripts/fill.py"}`, "print(1)\n"},
		{`{"name":"forms","file":"forms/scripts/fill.py"}`, "print(1)\n"},
		{`{"name":"forms","file":"../../references/guide.md"}`, "Use ink."},
		{`{"name":"plain","file":"SKILL.md"}`, "Say hello."},
		{`{"name":"plain","file":"a"}`, "error: the skill plain has no files"},
		{`{"name":"forms","file":"/etc/passwd"}`,
			`error: the skill forms has no file "/etc/passwd"; its files are: references/guide.md, scripts/fill.py`},
		{`{"name":"other"}`, `error: there is no skill "other"; the skills are: forms, plain`},
		{`{"name":1}`, `error: give the arguments as {"name":"…"}`},
	} {
		if got := call("skill", each.arguments); got != each.want {
			t.Errorf("%s: %q, want %q", each.arguments, got, each.want)
		}
	}
}

func TestTheSchemaNamesTheSkills(t *testing.T) {
	t.Parallel()
	settings := map[string]json.RawMessage{"skill": json.RawMessage(skills)}
	chosen, err := tools.Configured([]string{"skill"}, settings, func(string) string { return "" })
	if err != nil || len(chosen) != 1 || chosen[0].May != tools.Reads || chosen[0].Untrusted {
		t.Fatal(chosen, err)
	}
	if !strings.Contains(string(chosen[0].Schema), `"enum":["forms","plain"]`) {
		t.Error(string(chosen[0].Schema))
	}
}

func TestDamagedSkillsAreRefused(t *testing.T) {
	t.Parallel()
	for _, damaged := range []string{`{}`, `[{"nom":"x"}]`, ``} {
		settings := map[string]json.RawMessage{"skill": json.RawMessage(damaged)}
		if _, err := tools.Configured([]string{"skill"}, settings, func(string) string { return "" }); err == nil {
			t.Errorf("%q was taken", damaged)
		}
	}
}
