package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

const (
	agentPath = "agent.local/a0123456789abcdef"
	secretKey = "sk-test-0123456789abcdef"
	// Text that does harm if it is treated as more than data.
	nastyText = "\"quote\" 'q' \\ \x00 //go:embed /etc/passwd\n{{.}} $(id) `id` \u202e\u2066 -ldflags=-X </script>"
)

func blueprint(t *testing.T, change func(c map[string]any)) []byte {
	t.Helper()
	var c map[string]any
	raw, err := os.ReadFile("../agent.json")
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	c["identity"].(map[string]any)["name"] = nastyText
	c["system_prompt"] = nastyText
	if change != nil {
		change(c)
	}
	raw, err = json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// model is a stand-in for OpenAI: it calls the calculator when the question is
// "sum", and otherwise answers with the number of messages.
type model struct {
	*httptest.Server
	mu      sync.Mutex
	systems []string
}

func newModel(t *testing.T) *model {
	m := &model{}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Messages []struct{ Role, Content string }
		Tools    []any
	}
	_ = json.NewDecoder(r.Body).Decode(&request)
	if header := r.Header.Get("Authorization"); header != "Bearer "+secretKey {
		http.Error(w, `{"error":{"message":"bad key `+header+`"}}`, http.StatusUnauthorized)
		return
	}
	m.mu.Lock()
	m.systems = append(m.systems, request.Messages[0].Content)
	m.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	last := request.Messages[len(request.Messages)-1]
	if last.Content == "sum" && len(request.Tools) > 0 {
		fmt.Fprint(w, `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"calculator",`+
			`"arguments":"{\"expression\":\"6*7\"}"}}]},"finish_reason":"tool_calls"}]}`+"\n\n")
	} else {
		text := fmt.Sprintf("%d messages, %d tools, %s", len(request.Messages), len(request.Tools), last.Content)
		encoded, _ := json.Marshal(text)
		fmt.Fprintf(w, `data: {"choices":[{"delta":{"content":%s},"finish_reason":"stop"}]}`+"\n\n", encoded)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// installation is a host with its environment.
type installation struct {
	binary string
	env    []string
}

func (h installation) run(t *testing.T, input string, arguments ...string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.Command(h.binary, arguments...)
	command.Env, command.Stdin, command.Stdout, command.Stderr = h.env, strings.NewReader(input), &out, &errs
	err := command.Run()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	if strings.Contains(out.String()+errs.String(), secretKey) {
		t.Errorf("the output contains the key: %s %s", out.String(), errs.String())
	}
	return command.ProcessState.ExitCode(), out.String(), errs.String()
}

// TestHost builds a host and agents like the forge and runs them like a user.
func TestHost(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("compiles plugins")
	}
	server := newModel(t)
	h := installation{binary: buildHost(t), env: []string{"OPENAI_API_KEY=" + secretKey, "OPENAI_BASE_URL=" + server.URL}}
	config := blueprint(t, nil)
	plugin := buildPlugin(t, agentPath, config, "calculator", "clock")

	t.Run("manifest", func(t *testing.T) { testManifest(t, h, plugin, config) })
	t.Run("message", func(t *testing.T) {
		code, out, errs := h.run(t, "", "--message", "sum", plugin)
		if code != 0 || out != "4 messages, 2 tools, 42\n" {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
		if server.systems[0] != nastyText {
			t.Errorf("the system prompt arrived as %q", server.systems[0])
		}
	})
	t.Run("request", func(t *testing.T) { testRequest(t, h, plugin) })
	t.Run("conversation", func(t *testing.T) {
		code, out, errs := h.run(t, "one\ntwo\n/reset\nthree\n/quit\n", plugin)
		if want := "2 messages, 2 tools, one\n4 messages, 2 tools, two\n2 messages, 2 tools, three\n"; code != 0 || out != want {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
	})
	t.Run("server", func(t *testing.T) { testServer(t, h, plugin) })
	t.Run("environment", func(t *testing.T) { testEnvironment(t, h, plugin) })
	t.Run("mismatches", func(t *testing.T) { testMismatches(t, h, plugin) })
	t.Run("without tools", func(t *testing.T) { testWithoutTools(t, h, plugin) })
}

func testManifest(t *testing.T, h installation, plugin string, config []byte) {
	code, out, errs := h.run(t, "", "--manifest", plugin)
	var manifest struct {
		Name, Module, Go string
		Tools            []string
		Limits           map[string]int
		SHA256           string `json:"config_sha256"`
	}
	if err := json.Unmarshal([]byte(out), &manifest); err != nil || code != 0 {
		t.Fatalf("exit %d, %q, %v", code, errs, err)
	}
	sum := sha256.Sum256(config)
	if manifest.Name != nastyText || manifest.Module != agentPath || manifest.Go != runtime.Version() || len(manifest.Tools) != 2 ||
		manifest.Limits["memory_mb"] != 256 || manifest.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("manifest %s", out)
	}
}

func testRequest(t *testing.T, h installation, plugin string) {
	code, out, errs := h.run(t, `{"messages":[{"role":"user","content":"sum"}]}`, "--request", plugin)
	var types []string
	for line := range strings.Lines(out) {
		var event struct{ Type string }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Errorf("not JSON: %q", line)
		}
		types = append(types, event.Type)
	}
	if got := strings.Join(types, " "); code != 0 || errs != "" || got != "tool_call tool_result token usage done" {
		t.Errorf("exit %d, %s, %q", code, got, errs)
	}
}

func testEnvironment(t *testing.T, h installation, plugin string) {
	with := func(pairs ...string) installation {
		return installation{h.binary, append(h.env[:len(h.env):len(h.env)], pairs...)}
	}
	tests := []struct {
		name, want string
		h          installation
	}{
		{"no key", "set OPENAI_API_KEY", with("OPENAI_API_KEY=")},
		{"bad key", "bad key Bearer [key removed]", with("OPENAI_API_KEY=sk-other-0123456789")},
		{"no egress", "the egress proxy does not answer", with("AGENT_EGRESS_SOCKET=" + filepath.Join(t.TempDir(), "none"))},
	}
	for _, test := range tests {
		if code, out, errs := test.h.run(t, "", "--message", "hi", plugin); code != 1 || !strings.Contains(errs, test.want) {
			t.Errorf("%s: exit %d, %q %q", test.name, code, out, errs)
		}
	}
}

func testWithoutTools(t *testing.T, h installation, plugin string) {
	bare := blueprint(t, func(c map[string]any) { c["capabilities"].(map[string]any)["tools"] = []string{} })
	smaller := buildPlugin(t, "agent.local/a0123456789abcdee", bare)
	if code, out, errs := h.run(t, "", "--message", "sum", smaller); code != 0 || out != "2 messages, 0 tools, sum\n" {
		t.Errorf("exit %d, %q %q", code, out, errs)
	}
	if size(t, smaller) >= size(t, plugin) {
		t.Error("tools that were not chosen seem to be compiled in")
	}
	testReplacement(t, h, plugin, "2 tools", smaller, "0 tools")
	testReplacement(t, h, smaller, "0 tools", plugin, "2 tools")
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func copyFile(t *testing.T, path string, limit int64) string {
	t.Helper()
	source, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	content, err := io.ReadAll(io.LimitReader(source, limit))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(path))
	write(t, copied, content)
	return copied
}
