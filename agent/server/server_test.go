package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

func newServer(t *testing.T, agent protocol.Agent, token string, origins ...string) *httptest.Server {
	t.Helper()
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(agent, manifest, token, origins))
	t.Cleanup(server.Close)
	return server
}

func ask(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(agenttest.NewRequest(t, method, url, body, headers...))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response, string(answer)
}

func TestGuards(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{}
	open, locked := newServer(t, agent, "", "https://app.example"), newServer(t, agent, "letmein")
	tests := []struct {
		name, url string
		header    []string
		status    int
	}{
		{"form of another page", open.URL, []string{"Content-Type", "text/plain"}, 415},
		{"rebound name", open.URL, []string{"Host", "evil.example.com"}, 403},
		{"localhost", open.URL, []string{"Host", "localhost:80"}, 200},
		{"foreign page", open.URL, []string{"Origin", "https://evil.example"}, 403},
		{"another port", open.URL, []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"file or sandboxed page", open.URL, []string{"Origin", "null"}, 403},
		{"own page", open.URL, []string{"Origin", open.URL}, 200},
		{"own page behind a proxy", open.URL, []string{"Origin", "https://public.example", "Sec-Fetch-Site", "same-origin"}, 200},
		{"allowed page", open.URL, []string{"Origin", "https://app.example"}, 200},
		{"no token", locked.URL, nil, 401},
		{"wrong token", locked.URL, []string{"Authorization", "Bearer letmeout"}, 401},
		{"token", locked.URL, []string{"Authorization", "Bearer letmein"}, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for path, body := range map[string]string{
				"/chat": agenttest.Question("hi"), "/v1/chat/completions": agenttest.Question("hi"), "/v1/responses": `{"input":"hi"}`,
			} {
				if response, body := ask(t, "POST", test.url+path, body, test.header...); response.StatusCode != test.status {
					t.Errorf("%s: %d %s", path, response.StatusCode, body)
				}
			}
		})
	}
	if response, _ := ask(t, "GET", locked.URL+"/healthz", ""); response.StatusCode != 200 {
		t.Errorf("healthz with a token: %d", response.StatusCode)
	}
	if response, body := ask(t, "GET", locked.URL+"/metrics", ""); response.StatusCode != 401 || !strings.Contains(body, "invalid_api_key") {
		t.Errorf("metrics without the token: %d %s", response.StatusCode, body)
	}
}

// A preflight request of an allowed page is answered without the token, which browsers
// do not send with it.
func TestPreflight(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{}, "letmein", "https://app.example")
	preflight := func(origin string) *http.Response {
		response, _ := ask(t, "OPTIONS", server.URL+"/v1/chat/completions", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,x-stainless-os")
		return response
	}
	allowed := preflight("https://app.example")
	if allowed.StatusCode != 204 || allowed.Header.Get("Access-Control-Allow-Origin") != "https://app.example" ||
		allowed.Header.Get("Access-Control-Allow-Headers") != "authorization,x-stainless-os" {
		t.Errorf("%d %v", allowed.StatusCode, allowed.Header)
	}
	if refused := preflight("https://evil.example"); refused.StatusCode != 403 || refused.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", refused.StatusCode, refused.Header)
	}
}

func TestParseOrigins(t *testing.T) {
	t.Parallel()
	origins, err := ParseOrigins(" https://A.example , http://b.example:81,")
	if err != nil || strings.Join(origins, " ") != "https://a.example http://b.example:81" {
		t.Errorf("%v, %v", origins, err)
	}
	for _, text := range []string{"*", "a.example", "https://a.example/", "ftp://a.example", "null"} {
		if _, err := ParseOrigins(text); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for values, want := range map[[2]string]string{{"a", ""}: "a", {"", "b"}: "b", {"a", "a"}: "a", {"", ""}: "", {"a", "b"}: "error"} {
		got, err := Token(func(name string) string { return map[string]string{TokenEnv: values[0], OldTokenEnv: values[1]}[name] })
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}

// Clients of APIs get JSON, also for addresses that do not exist.
func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{}, "")
	for request, want := range map[string]string{
		"GET /v2/models": `"code":"not_found"`, "POST /chat/completions": "base URL of this server with /v1", "GET /chat": "it takes POST", "DELETE /v1/models": "GET",
	} {
		method, path, _ := strings.Cut(request, " ")
		response, body := ask(t, method, server.URL+path, "{}")
		if response.Header.Get("Content-Type") != "application/json" || !strings.Contains(body, want) || !strings.Contains(body, `"error":{`) ||
			!strings.HasPrefix(response.Header.Get("X-Request-Id"), "req_") {
			t.Errorf("%s: %d %s", request, response.StatusCode, body)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{ManifestJSON: `{"schema":1,"name":"x","handle":"a\"b","version":"1"}`}, "")
	ask(t, "POST", server.URL+"/chat", agenttest.Question("hi"))
	ask(t, "POST", server.URL+"/chat", agenttest.Question("fail no_key"))
	response, text := ask(t, "GET", server.URL+"/metrics", "")
	for _, want := range []string{
		`agent_info{handle="a\"b",version="1",config_sha256=""} 1`, "agent_answers_in_progress 0\n", `agent_answers_total{outcome="done"} 1`,
		`agent_answers_total{outcome="no_key"} 1`, `agent_tokens_total{direction="input"} 3`, `agent_answer_seconds_bucket{le="+Inf"} 2`,
		"agent_answer_seconds_count 2\n", "agent_first_token_seconds_count 1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("content type %s", response.Header.Get("Content-Type"))
	}
}

// Answers in progress go on with the agent before; tasks and counters stay.
func TestReplace(t *testing.T) {
	t.Parallel()
	before := &agenttest.Agent{Waiting: make(chan struct{})}
	manifest, err := protocol.ReadManifest(before)
	if err != nil {
		t.Fatal(err)
	}
	served := New(before, manifest, "", nil)
	web := httptest.NewServer(served)
	t.Cleanup(web.Close)
	const send = `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"hi"}]}}}`
	_, sent := ask(t, "POST", web.URL+"/a2a", send, "A2A-Version", "1.0")
	_, id, _ := strings.Cut(sent, `"taskId":"`)
	id, _, _ = strings.Cut(id, `"`)
	ctx, leave := context.WithCancel(t.Context())
	request := agenttest.NewRequest(t, "POST", web.URL+"/chat", agenttest.Question("wait")).WithContext(ctx)
	go func() { <-before.Waiting }()
	waiting, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Body.Close()
	after := &agenttest.Agent{ManifestJSON: `{"schema":1,"name":"Next","handle":"next"}`}
	manifest, err = protocol.ReadManifest(after)
	if err != nil {
		t.Fatal(err)
	}
	served.Replace(after, manifest)
	if _, models := ask(t, "GET", web.URL+"/v1/models", ""); !strings.Contains(models, `"id":"next"`) {
		t.Errorf("models: %s", models)
	}
	if _, task := ask(t, "POST", web.URL+"/a2a", `{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"`+id+`"}}`, "A2A-Version", "1.0"); !strings.Contains(task, "COMPLETED") {
		t.Errorf("the task of before: %s", task)
	}
	_, text := ask(t, "GET", web.URL+"/metrics", "")
	if !strings.Contains(text, `agent_info{handle="next"`) || !strings.Contains(text, "agent_answers_in_progress 1") || !strings.Contains(text, `outcome="done"} 1`) {
		t.Errorf("metrics: %s", text)
	}
	leave()
}
