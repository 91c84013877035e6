package conversation

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
)

func TestBadRequests(t *testing.T) {
	t.Parallel()
	for _, request := range []string{
		``, `{`, `[]`, `{}`, `{"messages":[]}`, `{"messages":"hi"}`, `{"messages":[{"role":"system","content":"x"}]}`,
		`{"messages":[{"role":"user","content":" "}]}`, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}`,
		`{"messages":[{"role":"user","content":["x"]}]}`, `{"messages":[` + strings.Repeat(`{},`, maxMessages) + `{}]}`, strings.Repeat(" ", maxRequest+1),
	} {
		a, provider := sampleAgent(t, nil, answers("no"))
		got, err := handle(t, a, request)
		if err == nil || len(got) != 1 || got[0]["code"] != "bad_request" || len(provider.requests) != 0 {
			t.Errorf("%.40q: %v, %v", request, got, err)
		}
	}
}

func TestRecall(t *testing.T) {
	t.Parallel()
	history := []providers.Message{
		{Role: providers.Assistant, Text: "welcome"},
		{Role: providers.User, Text: "q1"}, {Role: providers.Assistant, Text: "a1"},
		{Role: providers.User, Text: "q2"}, {Role: providers.Assistant, Text: " "},
		{Role: providers.User, Text: "q3"}, {Role: providers.Assistant, Text: "a3"},
		{Role: providers.User, Text: "now"},
	}
	tests := []struct {
		memory config.Memory
		want   string
	}{
		{config.Memory{}, "now"},
		{config.Memory{Turns: 5}, "now"},
		{config.Memory{Enabled: true, Turns: 1}, "q3 a3 now"},
		{config.Memory{Enabled: true, Turns: 2}, "q2 q3 a3 now"},
		{config.Memory{Enabled: true, Turns: 3}, "q1 a1 q2 q3 a3 now"},
		{config.Memory{Enabled: true, Turns: 50}, "q1 a1 q2 q3 a3 now"},
	}
	for _, test := range tests {
		var texts []string
		for _, m := range recall(history, test.memory) {
			texts = append(texts, m.Text)
		}
		if got := strings.Join(texts, " "); got != test.want {
			t.Errorf("%+v: %s, want %s", test.memory, got, test.want)
		}
	}
}

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestNew(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../agent.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		blueprint string
		env       map[string]string
		code      string
		manifest  string
	}{
		{"no key", string(raw), nil, "no_key", ""},
		{"blank key", string(raw), map[string]string{"OPENAI_API_KEY": " \n"}, "no_key", ""},
		{"key that no header can carry", string(raw), map[string]string{"OPENAI_API_KEY": "a\nb"}, "no_key", ""},
		{"base URL", string(raw), map[string]string{"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "nonsense"}, "internal", "OPENAI_BASE_URL is not"},
		{"tool left out", strings.Replace(string(raw), `"clock"`, `"rocket"`, 1), nil, "internal", `"rocket" is not compiled`},
		{"API", strings.Replace(string(raw), `"api":"openai"`, `"api":"telepathy"`, 1), map[string]string{"OPENAI_API_KEY": "k"}, "internal", "telepathy"},
		{"not JSON", "{", nil, "internal", "agent.json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := New([]byte(test.blueprint), environment(test.env))
			got, err := handle(t, a, hello)
			if err == nil || got[0]["code"] != test.code {
				t.Errorf("got %v, %v", got, err)
			}
			var manifest struct{ Error, Name, Module string }
			if err := json.Unmarshal(a.Manifest(), &manifest); err != nil {
				t.Fatal(err)
			}
			if (manifest.Error != "") != (test.manifest != "") || !strings.Contains(manifest.Error, test.manifest) {
				t.Errorf("the manifest has the error %q", manifest.Error)
			}
			if manifest.Module != "agent.local/a0000000000000000" {
				t.Errorf("module %q", manifest.Module)
			}
		})
	}
}
