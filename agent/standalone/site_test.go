package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

// The hash of "open sesame", with few iterations.
const passwordHash = "pbkdf2:sha256:10:30313233343536373839616263646566:05af225fb2b4a2805831f44b954c4447b1de148fc38f64f30a29a976f2d56f67"

// echoAgent answers with the last message.
type echoAgent struct{}

func (echoAgent) Manifest() []byte { return []byte("{}") }

func (echoAgent) Handle(_ context.Context, request []byte, emit func([]byte) error) error {
	var question struct{ Messages []struct{ Content string } }
	_ = json.Unmarshal(request, &question)
	text, _ := json.Marshal(map[string]string{"type": "done", "text": question.Messages[len(question.Messages)-1].Content})
	return emit(text)
}

// newServer returns the URL of a site.
func newServer(t *testing.T, environment map[string]string) (string, error) {
	t.Helper()
	return newServerOf(t, echoAgent{}, environment)
}

func newServerOf(t *testing.T, agent protocol.Agent, environment map[string]string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"index.html", "chat.js", "chat.html"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("page "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := func(name string) string { return environment[name] }
	handler, err := newSite(env, dir, agent, protocol.Manifest{Handle: "sample"}, nil)
	if err != nil {
		return "", err
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, nil
}

// ask returns the status and the whole response, headers included.
func ask(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(agenttest.NewRequest(t, method, url, body, headers...))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	_ = response.Write(&text)
	return response.StatusCode, text.String()
}

// The page's questions and those of programs share one bound.
func TestTooManyQuestions(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{Waiting: make(chan struct{})}
	url, err := newServerOf(t, agent, map[string]string{"AGENT_TRUSTED_PROXIES": "1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range server.MaxConcurrent {
		// Each visitor has a limit of their own.
		visitor := fmt.Sprintf("192.0.2.%d", i)
		go func() {
			request := agenttest.NewRequest(t, "POST", url+"/chat", agenttest.Question("wait"), "X-Forwarded-For", visitor)
			if response, err := http.DefaultClient.Do(request.WithContext(ctx)); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		}()
		<-agent.Waiting
	}
	for _, accept := range []string{"application/json", "text/event-stream"} {
		status, text := ask(t, "POST", url+"/api/ask", `{"message": "hi"}`, "X-Forwarded-For", "192.0.3.1", "Accept", accept)
		if status != http.StatusServiceUnavailable || !strings.Contains(text, "Retry-After: 5") || !strings.Contains(text, "try again in a moment") {
			t.Errorf("%s: %d %s", accept, status, text)
		}
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	closed := map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": passwordHash}
	bearer := []string{"Authorization", "Bearer open sesame"}
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string
	}{
		{"first page", "GET", "/", "", nil, 200, "page index.html"},
		{"script", "GET", "/chat.js", "", nil, 200, "page chat.js"},
		{"health", "GET", "/healthz", "", nil, 200, `{"status":"ok"}`},
		{"health under any name", "GET", "/healthz", "", []string{"Host", "agent.example"}, 200, "ok"},
		{"routes", "GET", "/v1/models", "", nil, 401, "sign in"},
		{"routes with the password", "GET", "/v1/models", "", bearer, 200, `"id":"sample"`},
		{"chat", "POST", "/chat", "{}", nil, 401, "sign in"},
		{"chat with the password", "POST", "/chat", agenttest.Question("hi"), bearer, 200, `"text":"hi"`},
		{"MCP", "POST", "/mcp", ping, nil, 401, "sign in"},
		{"MCP with the password", "POST", "/mcp", ping, bearer, 200, `"result":{}`},
		{"A2A", "POST", "/a2a", ping, nil, 401, "sign in"},
		{"A2A with the password", "POST", "/a2a", ping, bearer, 200, "has no method ping"},
		{"card", "GET", "/.well-known/agent-card.json", "", nil, 200, `"httpAuthSecurityScheme"`},
		{"foreign page", "POST", "/mcp", ping, append(bearer, "Origin", "https://evil.example"), 403, "AGENT_ORIGINS"},
		{"the site's own page", "POST", "/api/ask", `{"message":"hi"}`, append(bearer, "Origin", "https://public.example"), 200, `"text":"hi"`},
		{"manifest", "GET", "/manifest", "", nil, 401, "sign in"},
		{"question", "POST", "/api/ask", `{"message":"hi"}`, nil, 401, "sign in"},
		{"question with the password", "POST", "/api/ask", `{"message":"hi"}`, bearer, 200, `"text":"hi"`},
		{"session", "POST", "/api/session", `{"password":"open sesame"}`, nil, 200, "__Host-agent="},
		{"no such API", "GET", "/api/nothing", "", nil, 401, "sign in"},
		{"write to a page", "POST", "/index.html", "", nil, 405, "Allow: GET, HEAD"},
		{"foreign name", "GET", "/", "", []string{"Host", "evil.example"}, 403, "AGENT_TRUSTED_PROXIES"},
		{"foreign name with the password", "POST", "/api/ask", `{"message":"hi"}`, append(bearer, "Host", "evil.example"), 403, "localhost"},
	}
	url, err := newServer(t, closed)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if status, text := ask(t, test.method, url+test.path, test.body, test.headers...); status != test.status || !strings.Contains(text, test.want) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}

func TestAnyNameBehindAProxy(t *testing.T) {
	t.Parallel()
	url, err := newServer(t, map[string]string{"AGENT_TRUSTED_PROXIES": "1"})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := ask(t, "GET", url, "", "Host", "agent.example"); status != 200 {
		t.Errorf("%d %s", status, text)
	}
}

// A client cannot choose its address by forging headers.
func TestRateLimitAddress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		environment map[string]string
		header      func(i int) []string
		limited     bool
	}{
		{"platform's header", nil, func(i int) []string { return []string{"X-Nf-Client-Connection-Ip", address(i)} }, true},
		{"a proxy's header", nil, func(i int) []string { return []string{"X-Forwarded-For", address(i)} }, true},
		{"forged before a proxy's", map[string]string{"AGENT_TRUSTED_PROXIES": "1"}, func(i int) []string {
			return []string{"X-Forwarded-For", address(i) + ", 203.0.113.1"}
		}, true},
		{"many behind a proxy", map[string]string{"AGENT_TRUSTED_PROXIES": "1"}, func(i int) []string {
			return []string{"X-Forwarded-For", address(i)}
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, err := newServer(t, test.environment)
			if err != nil {
				t.Fatal(err)
			}
			last := 0
			for i := range 21 {
				last, _ = ask(t, "POST", url+"/api/ask", `{"message":"hi"}`, test.header(i)...)
			}
			if (last == http.StatusTooManyRequests) != test.limited {
				t.Errorf("the 21st request: %d", last)
			}
		})
	}
}

func address(i int) string { return fmt.Sprintf("198.51.100.%d", i) }

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string]map[string]string{
		"AGENT_TRUSTED_PROXIES": {"AGENT_TRUSTED_PROXIES": "many"},
		"AGENT_ACCESS":          {"AGENT_ACCESS": "pasword"},
		"AGENT_PASSWORD":        {"AGENT_ACCESS": "password"},
	} {
		if _, err := newServer(t, environment); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The access that a site was built for applies unless the environment sets one.
func TestAccessOfTheMarker(t *testing.T) {
	t.Parallel()
	const closed = `{"content": "x", "access": "password"}`
	tests := []struct {
		name, marker string
		env          map[string]string
		want         int
		refused      bool
	}{
		{"password, none set", closed, nil, 0, true},
		{"password", closed, map[string]string{"AGENT_PASSWORD": "open sesame"}, http.StatusUnauthorized, false},
		{"overridden", closed, map[string]string{"AGENT_ACCESS": "public"}, http.StatusOK, false},
		{"public", `{"access": "public"}`, nil, http.StatusOK, false},
		{"unknown access", `{"access": "someone"}`, nil, 0, true},
		{"damaged", `{"access": `, nil, http.StatusOK, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range map[string]string{"index.html": "page", markerFile: test.marker} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			env := func(name string) string { return test.env[name] }
			handler, err := newSite(env, dir, echoAgent{}, protocol.Manifest{Handle: "sample"}, nil)
			if (err != nil) != test.refused {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			server := httptest.NewServer(handler)
			defer server.Close()
			if got, _ := ask(t, http.MethodPost, server.URL+"/api/ask", `{"message":"hello"}`); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}
