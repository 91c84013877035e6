package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func sample(t *testing.T) map[string]any {
	t.Helper()
	raw, err := os.ReadFile("../agent.json")
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// with returns the sample with one value replaced; the path is "a.b".
func with(t *testing.T, path string, value any) []byte {
	t.Helper()
	c := sample(t)
	keys := strings.Split(path, ".")
	at := c
	for _, key := range keys[:len(keys)-1] {
		at = at[key].(map[string]any)
	}
	at[keys[len(keys)-1]] = value
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestParseSample(t *testing.T) {
	t.Parallel()
	raw := with(t, "identity.name", "Ann")
	c, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if c.Identity.Name != "Ann" || c.Limits.ToolRounds != 4 || len(c.SHA256) != 64 {
		t.Errorf("parsed %+v", c)
	}
}

func TestParseVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.1.0", "1.0.0-rc.1", "1.0.0-alpha+001", "1.0.0+20130313144700"} {
		if _, err := Parse(with(t, "identity.version", version)); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path  string
		value any
		want  string
	}{
		{"schema", 2, "schema is 2"},
		{"surprise", 1, "unknown field"},
		{"limits.surprise", 1, "unknown field"},
		{"identity.name", " ", "identity.name"},
		{"identity.type", "wizard", "identity.type"},
		{"identity.version", "1", "identity.version"},
		{"provider.base_url", "file:///etc/passwd", "base_url"},
		{"provider.base_url", "example.com", "base_url"},
		{"provider.key_env", "A B", "key_env"},
		{"provider.model", "", "provider.model"},
		{"sampling.temperature", 2.1, "temperature"},
		{"sampling.max_tokens", 0, "max_tokens"},
		{"sampling.max_tokens", "many", "max_tokens"},
		{"capabilities.memory.turns", 51, "turns"},
		{"capabilities.tools", []string{"clock", "clock"}, "twice"},
		{"capabilities.tool_settings", map[string]any{"fetch": map[string]any{}}, "does not have"},
		{"limits.seconds", 4, "seconds"},
		{"limits.seconds", 301, "seconds"},
		{"limits.memory_mb", 127, "memory_mb"},
		{"limits.tool_rounds", 21, "tool_rounds"},
		{"limits.tool_rounds", -1, "tool_rounds"},
	}
	for _, test := range tests {
		_, err := Parse(with(t, test.path, test.value))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s = %v: %v", test.path, test.value, err)
		}
	}
	for _, raw := range []string{"", "{", "[]", "null", "{}", string(with(t, "schema", 1)) + "{}"} {
		if _, err := Parse([]byte(raw)); err == nil {
			t.Errorf("%.20q was accepted", raw)
		}
	}
}

// Any text is data and stays unchanged.
func TestParseKeepsAnyText(t *testing.T) {
	t.Parallel()
	texts := []string{
		`"quotes" 'single' \backslash`, "NUL \x00 bell \a", "//go:embed secret.txt", "{{ .Template }} ${HOME} $(id) `id`; rm -rf /",
		"\u202eright to left\u202c \u2066isolate", "</script><script>", "line\nline\r\nline\u2028", "-ldflags=-X main.a=b", "日本語 🦊",
	}
	for _, text := range texts {
		c, err := Parse(with(t, "system_prompt", text))
		if err != nil || c.SystemPrompt != text {
			t.Errorf("%q became %q, %v", text, c.SystemPrompt, err)
		}
	}
}
