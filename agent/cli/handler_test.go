package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func newServer(t *testing.T, agent Agent, token string) *httptest.Server {
	t.Helper()
	about, err := readManifest(agent)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newHandler(agent, about, token))
	t.Cleanup(server.Close)
	return server
}

func post(t *testing.T, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response, string(answer)
}

func asks(text string) string { return string(encodeRequest([]message{{"user", text}})) }

func TestChat(t *testing.T) {
	server := newServer(t, &fakeAgent{}, "")
	tests := []struct {
		name, body string
		status     int
		kind, want string
	}{
		{"answer", asks("hi there"), 200, "text/event-stream", "data: {\"text\":\"hi \",\"type\":\"token\"}\n\ndata: {\"text\":\"there\""},
		{"late error", asks("break"), 200, "text/event-stream", `"code":"provider_unreachable"`},
		{"no end", asks("vanish"), 200, "text/event-stream", `"message":"vanished"`},
		{"bad request", "{}", 400, "application/json", `"code":"bad_request"`},
		{"no key", asks("fail no_key"), 503, "application/json", `"code":"no_key"`},
		{"rate limit", asks("fail rate_limited"), 429, "application/json", `"message":"because rate_limited"`},
		{"refused", asks("fail provider_refused"), 502, "application/json", `"type":"error"`},
		{"time limit", asks("fail time_limit"), 504, "application/json", `"type":"error"`},
		{"internal", asks("fail internal"), 500, "application/json", `"type":"error"`},
		{"too large", strings.Repeat(" ", maxRequest+1), 413, "application/json", "4 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			response, body := post(t, server.URL+"/chat", test.body)
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != test.kind || !strings.Contains(body, test.want) {
				t.Errorf("%d %s %q", response.StatusCode, response.Header.Get("Content-Type"), body)
			}
		})
	}
}

func TestGuards(t *testing.T) {
	agent := &fakeAgent{}
	open, locked := newServer(t, agent, ""), newServer(t, agent, "letmein")
	tests := []struct {
		name, url string
		header    []string
		status    int
	}{
		{"form of another page", open.URL, []string{"Content-Type", "text/plain"}, 415},
		{"rebound name", open.URL, []string{"Host", "evil.example.com"}, 403},
		{"localhost", open.URL, []string{"Host", "localhost:80"}, 200},
		{"no token", locked.URL, nil, 401},
		{"wrong token", locked.URL, []string{"Authorization", "Bearer letmeout"}, 401},
		{"token", locked.URL, []string{"Authorization", "Bearer letmein"}, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/chat", "/v1/chat/completions"} {
				if response, body := post(t, test.url+path, asks("hi"), test.header...); response.StatusCode != test.status {
					t.Errorf("%s: %d %s", path, response.StatusCode, body)
				}
			}
		})
	}
	response, err := http.Get(locked.URL + "/healthz")
	if err != nil || response.StatusCode != 200 {
		t.Errorf("healthz with a token: %v", err)
	}
}

func TestBusy(t *testing.T) {
	agent := &fakeAgent{began: make(chan struct{})}
	a := &api{agent: agent, busy: make(chan struct{}, 1)}
	server := httptest.NewServer(a.asking(a.chat))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(asks("wait")))
	request.Header.Set("Content-Type", "application/json")
	go func() {
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	<-agent.began
	if response, _ := post(t, server.URL, asks("hi")); response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestCompletions(t *testing.T) {
	agent := &fakeAgent{}
	server := newServer(t, agent, "")
	_, body := post(t, server.URL+"/v1/chat/completions",
		`{"model":"x","messages":[{"role":"system","content":"ignored"},{"role":"user","content":[{"type":"text","text":"hi there"}]}]}`)
	var answer struct {
		Object, Model string
		Choices       []struct {
			Message      message
			FinishReason string `json:"finish_reason"`
		}
		Usage map[string]int
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Object != "chat.completion" || answer.Model != "sample" || answer.Choices[0].Message.Content != "hi there" ||
		answer.Choices[0].FinishReason != "stop" || answer.Usage["total_tokens"] != 5 {
		t.Errorf("got %s", body)
	}
	if agent.requests[0] != asks("hi there") {
		t.Errorf("asked %s", agent.requests[0])
	}
	for request, status := range map[string]int{
		`{`: 400, `{"messages":[]}`: 400, `{"messages":[{"role":"user","content":"hi"}],"tools":[{}]}`: 400,
		`{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`: 400, `{"messages":[{"role":"user","content":7}]}`: 400,
		`{"messages":[{"role":"user","content":"break"}]}`: 502, `{"messages":[{"role":"user","content":"vanish"}]}`: 500,
	} {
		response, body := post(t, server.URL+"/v1/chat/completions", request)
		if response.StatusCode != status || !strings.Contains(body, `"error":{`) {
			t.Errorf("%s: %d %s", request, response.StatusCode, body)
		}
	}
}

func TestCompletionsStream(t *testing.T) {
	server := newServer(t, &fakeAgent{}, "")
	stream := func(text string) string {
		_, body := post(t, server.URL+"/v1/chat/completions",
			`{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"`+text+`"}]}`)
		return body
	}
	body := stream("hi there")
	for _, want := range []string{
		`"delta":{"content":"hi ","role":"assistant"}`, `"delta":{"content":"there"}`, `"finish_reason":"stop"`, `"choices":[],`, `"total_tokens":5`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("ends with %q", body)
	}
	if body := stream("break"); !strings.Contains(body, `data: {"error":{"code":"provider_unreachable"`) || strings.Contains(body, "[DONE]") {
		t.Errorf("got %s", body)
	}
	if body := stream("fail no_key"); !strings.Contains(body, `"error":{`) {
		t.Errorf("got %s", body)
	}
}

func TestReadOnlyRoutes(t *testing.T) {
	server := newServer(t, &fakeAgent{}, "")
	for path, want := range map[string]string{
		"/healthz": `{"status":"ok"}`, "/manifest": sampleManifest, "/v1/models": `"id":"sample"`, "/nowhere": "404",
	} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if !strings.Contains(string(body), want) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// A stopped server lets the answer in progress end. Where that takes too long
// it ends it, and its client sees how.
func TestAStoppedServerEndsItsAnswers(t *testing.T) {
	tests := []struct {
		name  string
		grace time.Duration
		// What the visitor does once the server is told to stop.
		then func(leave func())
		want string
	}{
		{"visitor leaves", time.Minute, func(leave func()) { leave() }, ""},
		{"grace is over", time.Millisecond, func(func()) {}, `"code":"cancelled"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			agent := &fakeAgent{began: make(chan struct{})}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- serveOn(ctx, listener, newHandler(agent, about{}, ""), test.grace) }()
			visit, leave := context.WithCancel(t.Context())
			defer leave()
			request, _ := http.NewRequestWithContext(visit, http.MethodPost, "http://"+listener.Addr().String()+"/chat", strings.NewReader(asks("wait")))
			request.Header.Set("Content-Type", "application/json")
			go func() { <-agent.began; stop() }()
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			reader := bufio.NewReader(response.Body)
			if line, _ := reader.ReadString('\n'); !strings.Contains(line, `"text":"wait"`) {
				t.Errorf("got %q", line)
			}
			test.then(leave)
			if rest, _ := io.ReadAll(reader); !strings.Contains(string(rest), test.want) {
				t.Errorf("the visitor saw %q", rest)
			}
			if err := <-ended; err != nil {
				t.Errorf("the server ended with %v", err)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]string{
		"8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0.0.0.0:8080": "0.0.0.0:8080", "[::]:1": "[::]:1", "host:1": "host:1",
	} {
		if got := loopback(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
