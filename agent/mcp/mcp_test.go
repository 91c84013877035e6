package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/mcpspec"
	"agent.local/a0000000000000000/protocol"
)

func newServer(t *testing.T, agent protocol.Agent) *Server {
	t.Helper()
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		t.Fatal(err)
	}
	return New(agent, manifest, Options{})
}

func serve(t *testing.T, s *Server) string {
	t.Helper()
	mux := http.NewServeMux()
	s.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/mcp"
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

const (
	meta   = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	asking = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"message":"hi there"}`
)

func headers(method string, more ...string) []string {
	return append([]string{"Accept", "application/json, text/event-stream", versionHeader, mcpspec.Modern, methodHeader, method}, more...)
}

func TestHandshakeVersions(t *testing.T) {
	t.Parallel()
	url := serve(t, newServer(t, &agenttest.Agent{}))
	tests := []struct{ name, body, want string }{
		{"initialize", `{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-06-18"}}`,
			`{"jsonrpc":"2.0","id":"a","result":{"capabilities":{"tools":{}},"instructions":"","protocolVersion":"2025-06-18","serverInfo":{"name":"sample","title":"Sample","version":"1.0.0"}}}`},
		{"a newer version", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2030-01-01"}}`, `"protocolVersion":"2025-11-25"`},
		{"ping", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"result":{}}`},
		{"tools", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, `"required":["message"]`},
		{"a page of tools", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}`, `"code":-32602`},
		{"ask", asking + `}}`, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"hi there","type":"text"}],"isError":false}}`},
		{"history", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"message":"b","history":[{"role":"user","content":"a"}]}}}`, `"text":"b"`},
		{"a failure of the agent", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"message":"fail no_key"}}}`,
			`{"text":"because no_key (no_key)","type":"text"}],"isError":true`},
		{"no message", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{}}}`, `"isError":true`},
		{"no arguments", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask"}}`, `"isError":true`},
		{"an unknown argument", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"message":"a","x":1}}}`, `"isError":true`},
		{"a role", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"message":"a","history":[{"role":"system","content":"x"}]}}}`, `"isError":true`},
		{"an unknown tool", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm","arguments":{}}}`, `"code":-32602`},
		{"an unknown method", `{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`, `"code":-32601`},
		{"no JSON", `{`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700`},
		{"a batch", `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, `"code":-32600`},
		{"no version of JSON-RPC", `{"id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600`},
		{"id null", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, `"code":-32600`},
		{"a fractional id", `{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, `"code":-32600`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			response, body := post(t, url, test.body)
			if !strings.Contains(body, test.want) || response.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			if (response.Header.Get(sessionHeader) != "") != strings.Contains(test.body, "initialize") {
				t.Errorf("the session is %q", response.Header.Get(sessionHeader))
			}
		})
	}
	for _, body := range []string{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, `{"jsonrpc":"2.0","id":7,"result":{}}`} {
		if response, text := post(t, url, body); response.StatusCode != 202 || text != "" {
			t.Errorf("%s: %d %s", body, response.StatusCode, text)
		}
	}
	if response, body := post(t, url, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, versionHeader, "1999-01-01"); response.StatusCode != 400 {
		t.Errorf("an unknown version: %d %s", response.StatusCode, body)
	}
}

func TestVersionWithoutHandshake(t *testing.T) {
	t.Parallel()
	url := serve(t, newServer(t, &agenttest.Agent{}))
	list := `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + meta + `}}`
	ask := asking + `,` + meta + `}}`
	tests := []struct {
		name, body string
		headers    []string
		status     int
		want       string
	}{
		{"discover", `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + meta + `}}`, headers("server/discover"), 200, `"supportedVersions":["2026-07-28","2025-11-25"`},
		{"tools", list, headers("tools/list"), 200, `"resultType":"complete"`},
		{"ask", ask, headers("tools/call", nameHeader, "ask"), 200, `"isError":false,"resultType":"complete"`},
		{"a name in base64", ask, headers("tools/call", nameHeader, "=?base64?YXNr?="), 200, `"isError":false`},
		{"no name", ask, headers("tools/call"), 400, `"code":-32020`},
		{"another name", ask, headers("tools/call", nameHeader, "rm"), 400, `"code":-32020`},
		{"another method", list, headers("tools/call"), 400, `"code":-32020`},
		{"no method", list, []string{versionHeader, mcpspec.Modern}, 400, `"code":-32020`},
		{"no version", list, []string{methodHeader, "tools/list"}, 400, `"code":-32020`},
		{"two methods", list, headers("tools/list", methodHeader, "tools/list"), 400, `"code":-32020`},
		{"another version", strings.ReplaceAll(list, mcpspec.Modern, "2027-01-01"), []string{versionHeader, "2027-01-01", methodHeader, "tools/list"}, 400, `"code":-32022`},
		{"no capabilities", strings.Replace(list, "clientCapabilities", "x", 1), headers("tools/list"), 400, `"code":-32602`},
		{"nothing of the envelope", `{"jsonrpc":"2.0","id":1,"method":"server/discover"}`, headers("server/discover"), 400, `"code":-32602`},
		{"ping is gone", strings.ReplaceAll(list, "tools/list", "ping"), headers("ping"), 404, `"code":-32601`},
		{"initialize is gone", strings.ReplaceAll(list, "tools/list", "initialize"), headers("initialize"), 404, `"code":-32601`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			response, body := post(t, url, test.body, test.headers...)
			if response.StatusCode != test.status || !strings.Contains(body, test.want) || response.Header.Get(sessionHeader) != "" {
				t.Errorf("%d %s", response.StatusCode, body)
			}
		})
	}
}

// Words arrive as progress, for clients that want to hear of it.
func TestProgress(t *testing.T) {
	t.Parallel()
	url := serve(t, newServer(t, &agenttest.Agent{}))
	body := asking + `,"_meta":{"progressToken":"p"}}}`
	response, events := post(t, url, body, "Accept", "application/json, text/event-stream")
	const want = "event: message\n" + `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"message":"hi ","progress":1,"progressToken":"p"}}` + "\n\n"
	if response.Header.Get("Content-Type") != "text/event-stream" || !strings.HasPrefix(events, want) || strings.Count(events, "data: ") != 3 ||
		!strings.Contains(events, `data: {"jsonrpc":"2.0","id":1,"result":{`) {
		t.Errorf("got %s", events)
	}
	if response, text := post(t, url, body, "Accept", "application/json"); response.Header.Get("Content-Type") != "application/json" || !strings.Contains(text, "hi there") {
		t.Errorf("got %s", text)
	}
}

// A notification cancels a request of its own session only; a closed connection cancels
// its request.
func TestCancel(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{Waiting: make(chan struct{})}
	url := serve(t, newServer(t, agent))
	const wait = `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"ask","arguments":{"message":"wait"}}}`
	const cancel = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}`
	answered := make(chan string, 1)
	go func() {
		request := agenttest.NewRequest(t, http.MethodPost, url, wait, sessionHeader, "mine")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-agent.Waiting
	post(t, url, cancel, sessionHeader, "another")
	post(t, url, cancel)
	select {
	case body := <-answered:
		t.Fatalf("a stranger cancelled: %s", body)
	default:
	}
	post(t, url, cancel, sessionHeader, "mine")
	if body := <-answered; body != "" {
		t.Errorf("answered %s", body)
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-agent.Waiting; leave() }()
	if _, err := http.DefaultClient.Do(agenttest.NewRequest(t, http.MethodPost, url, wait).WithContext(ctx)); err == nil {
		t.Error("no error")
	}
}

func TestStdio(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{}
	in := strings.Join([]string{
		`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`, "",
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`, `nonsense`, asking + `,` + meta + `}}`,
	}, "\n")
	var out bytes.Buffer
	if err := newServer(t, agent).Serve(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(out.String()) {
		var message struct{ ID json.RawMessage }
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		got[string(message.ID)] = line
	}
	if len(got) != 3 || !strings.Contains(got["0"], "2025-11-25") || !strings.Contains(got["null"], "-32700") || !strings.Contains(got["1"], `"resultType":"complete"`) {
		t.Errorf("got %v", got)
	}
}

func TestStdioCancel(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{Waiting: make(chan struct{})}
	in, client := io.Pipe()
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- newServer(t, agent).Serve(t.Context(), in, &out) }()
	_, _ = io.WriteString(client, `{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"ask","arguments":{"message":"wait"}}}`+"\n")
	<-agent.Waiting
	_, _ = io.WriteString(client, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}`+"\n")
	client.Close()
	if err := <-ended; err != nil || out.Len() > 0 {
		t.Errorf("%v, %s", err, out.String())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(asking + "}}"))
	f.Add([]byte(`{"jsonrpc":"2.0","id":null,"params":{"_meta":null}}`))
	server := New(&agenttest.Agent{}, protocol.Manifest{}, Options{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		asked, err := parse(raw)
		if err != nil || strings.Contains(string(raw), "wait") {
			return
		}
		result, failed := server.answer(t.Context(), asked, peer{notify: func(string, any) error { return nil }})
		if !json.Valid(encode(asked.answer(result, failed))) {
			t.Errorf("%s", raw)
		}
	})
}
