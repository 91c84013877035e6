package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

func newServer(t *testing.T, agent protocol.Agent) *httptest.Server {
	t.Helper()
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	Register(mux, agent, manifest)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func post(t *testing.T, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(agenttest.NewRequest(t, http.MethodPost, url, body, headers...))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response, string(answer)
}

func TestChat(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{})
	tests := []struct {
		name, body string
		status     int
		kind, want string
	}{
		{"answer", agenttest.Question("hi there"), 200, "text/event-stream", "data: {\"text\":\"hi \",\"type\":\"token\"}\n\ndata: {\"text\":\"there\""},
		{"late error", agenttest.Question("break"), 200, "text/event-stream", `"code":"provider_unreachable"`},
		{"no end", agenttest.Question("vanish"), 200, "text/event-stream", `"message":"vanished"`},
		{"bad request", "{}", 400, "application/json", `"code":"bad_request"`},
		{"no key", agenttest.Question("fail no_key"), 503, "application/json", `"code":"no_key"`},
		{"rate limit", agenttest.Question("fail rate_limited"), 429, "application/json", `"message":"because rate_limited"`},
		{"refused", agenttest.Question("fail provider_refused"), 502, "application/json", `"type":"error"`},
		{"time limit", agenttest.Question("fail time_limit"), 504, "application/json", `"type":"error"`},
		{"internal", agenttest.Question("fail internal"), 500, "application/json", `"type":"error"`},
		{"too large", strings.Repeat(" ", MaxRequest+1), 413, "application/json", "4 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			response, body := post(t, server.URL+"/chat", test.body)
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != test.kind || !strings.Contains(body, test.want) {
				t.Errorf("%d %s %q", response.StatusCode, response.Header.Get("Content-Type"), body)
			}
		})
	}
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{}
	server := newServer(t, agent)
	_, body := post(t, server.URL+"/v1/chat/completions",
		`{"model":"sample","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"hi there"}]}]}`)
	var answer struct {
		Object, Model string
		Choices       []struct {
			Message      protocol.Message
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
	if agent.Requests()[0] != `{"messages":[{"role":"user","content":"hi there"}],"instructions":"Be brief."}` {
		t.Errorf("request %s", agent.Requests()[0])
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
	t.Parallel()
	server := newServer(t, &agenttest.Agent{})
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

// The chunks of one stream differ in their text alone, after the first.
func TestChunks(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{})
	for _, options := range []string{"", `"stream_options":{"include_usage":true},`} {
		text := `say "content":"x" <b>ü</b> back\slash end`
		question, _ := json.Marshal(text)
		_, body := post(t, server.URL+"/v1/chat/completions",
			fmt.Sprintf(`{"stream":true,%s"messages":[{"role":"user","content":%s}]}`, options, question))
		answer, frames := "", map[string]bool{}
		for _, event := range strings.Split(body, "\n\n") {
			var chunk map[string]any
			if json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &chunk) != nil {
				continue
			}
			for _, choice := range chunk["choices"].([]any) {
				delta := choice.(map[string]any)["delta"].(map[string]any)
				if content, found := delta["content"].(string); found {
					answer += content
					delete(delta, "content")
					delete(delta, "role")
					frame, _ := json.Marshal(chunk)
					frames[string(frame)] = true
				}
			}
		}
		if answer != text || len(frames) != 1 {
			t.Errorf("%q in %v", answer, frames)
		}
	}
}

// Clients learn that an answer may be incomplete.
func TestCompletionsFinish(t *testing.T) {
	t.Parallel()
	for finish, want := range map[string]string{"stop": "stop", "tool_rounds": "stop", "length": "length", "other": "length"} {
		if got := openAIFinish(finish); got != want {
			t.Errorf("%s became %s", finish, got)
		}
	}
}

func TestReadOnlyRoutes(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{})
	for path, want := range map[string]string{
		"/manifest": agenttest.Manifest, "/v1/models": `"id":"sample"`, "/nowhere": "404",
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
