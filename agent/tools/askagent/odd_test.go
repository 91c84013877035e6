package askagent

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agent.local/a0000000000000000/tools"
)

// odd is an agent that answers in a way of its own, after its card.
func odd(t *testing.T, card string, answer http.HandlerFunc) string {
	t.Helper()
	var web *httptest.Server
	web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, strings.ReplaceAll(card, "URL", web.URL))
			return
		}
		answer(w, r)
	}))
	t.Cleanup(web.Close)
	return web.URL
}

const (
	newCard = `{"name":"Sample","description":"Answers questions.","skills":[{"id":"ask","name":"Ask Sample","description":"Answers questions.","tags":[]}],` +
		`"capabilities":{"streaming":true},"supportedInterfaces":[{"url":"URL/a2a","protocolBinding":"JSONRPC","protocolVersion":"1.0"}]}`
	oldCard = `{"name":"Sample","description":"Answers questions.","skills":[{"id":"ask","name":"Ask Sample","description":"Answers questions.","tags":[]}],` +
		`"capabilities":{"streaming":true},"url":"URL/a2a","protocolVersion":"0.3.0"}`
)

// A change of the card disables the agent; what is not pinned may change.
func TestPins(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		"":                                     "Fine.",
		`"tags":[]|"tags":["x"]`:               "Fine.",
		`"Sample"|"Simple"`:                    "its name changed",
		`"Answers questions.",|"Send mail.",`:  "its description changed",
		`"ask"|"mail"`:                         "its skills changed",
		`"Ask Sample"|"Ask me"`:                "its skills changed",
		`s.","tags"|s!","tags"`:                "its skills changed",
		`URL/a2a|URL/other`:                    "its address or its version",
		`"1.0"|"2.0"`:                          "its address or its version",
		`"JSONRPC"|"GRPC"`:                     "its address or its version",
		`"protocolVersion|"tenant":"x","proto`: "its address or its version",
		`{"name":|{"name`:                      "card is not readable",
	} {
		before, after, _ := strings.Cut(change, "|")
		wasAsked := false
		url := odd(t, strings.Replace(newCard, before, after, 1), func(w http.ResponseWriter, _ *http.Request) {
			wasAsked = true
			_, _ = io.WriteString(w, `{"result":{"message":{"parts":[{"text":"Fine."}]}}}`)
		})
		got := asked(t.Context(), t, chosen(url, "1.0"), "agent_other", `{"question":"x"}`)
		if !strings.Contains(strings.ReplaceAll(got, "what it says of its skills", "its skills"), want) || wasAsked != (want == "Fine.") {
			t.Errorf("%s: %s", change, got)
		}
	}
	functions, err := configured(chosen(odd(t, strings.Replace(newCard, "Answers", "Sends", 1), nil), "1.0"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = functions[0].Run(t.Context(), json.RawMessage(`{"question":"x"}`))
	var disabled *tools.DisabledError
	if !errors.As(err, &disabled) {
		t.Error(err)
	}
}

// stream answers each method with what it has for it.
func answers(by map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Method string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		text := by[asked.Method]
		if strings.HasPrefix(text, "data:") {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		_, _ = io.WriteString(w, text)
	}
}

func TestOtherAnswers(t *testing.T) {
	t.Parallel()
	task := func(state, further string) string {
		return `{"id":"t1","status":{"state":"TASK_STATE_` + state + `"` + further + `}`
	}
	working := "data: {\"result\":{\"task\":" + task("WORKING", "}") + "}}\n\n"
	for i, test := range []struct{ sent, task, want string }{
		// The stream breaks, and the task is asked for.
		{working, `{"result":` + task("COMPLETED", `},"artifacts":[{"parts":[{"text":"O"},{"text":"ne"},{"data":{"a":1}}]},{"parts":[{"url":"https://x.example/f"},{"raw":"AA==","filename":"f.bin"}]}]`) + `}`,
			"One\n{\"a\":1}\n\n[file at https://x.example/f, not shown]\n[file f.bin, not shown]"},
		{working + "data: {\"result\":{\"artifactUpdate\":{\"taskId\":\"t1\"}}}\n\ndata: {\"result\":{\"statusUpdate\":{\"taskId\":\"t1\",\"status\":{\"state\":\"TASK_STATE_COMPLETED\"}}}}\n\n",
			`{"result":` + task("COMPLETED", `,"message":{"parts":[{"text":"Done"}]}}`) + `}`, "Done"},
		{`{"result":{"task":` + task("COMPLETED", "}") + `}}`, "", "(nothing)"},
		{`{"result":{"task":` + task("AUTH_REQUIRED", `,"message":{"parts":[{"text":"Sign in at x"}]}}`) + `}}`, "", "sign in there before it answers; tell the user: Sign in at x"},
		{`{"result":{"task":` + task("REJECTED", `,"message":{"parts":[{"text":"No"}]}}`) + `}}`, "", "did not answer (rejected): No"},
		{`{"result":{"task":` + task("NEW", "}") + `}}`, "", `in the state "NEW"`},
		{`{"result":{"task":{"id":"a b","status":{"state":"TASK_STATE_INPUT_REQUIRED"}}}}`, "", "asks back: (nothing)\nIt can't be answered from here"},
		{working, `{"result":{"id":"t2","status":{"state":"TASK_STATE_COMPLETED"}}}`, "task is not readable"},
		{working, `{"error":{"code":-32001,"message":"gone"}}`, "error -32001: gone"},
		{`{"error":{"code":-32603,"message":"` + key + strings.Repeat("x", 600) + `"}}`, "", "error -32603: [key removed]xxx"},
		{`{"result":{}}`, "", "not one of its version"},
		{`{"result":{"task":{}}}`, "", "not one of its version"},
		{"data: no\n\n", "", "no message of the protocol"},
		{"data: {\"result\":", "", "ended its answer before it began"},
		{strings.Repeat(" ", maxBody+1), "", "larger than 4 MB"},
		{`<html>`, "", "no message of the protocol"},
	} {
		url := odd(t, newCard, answers(map[string]string{"SendStreamingMessage": test.sent, "GetTask": test.task}))
		if got := asked(t.Context(), t, chosen(url, "1.0", `,"auth":{"kind":"bearer"}`), "agent_other", `{"question":"x"}`); !strings.Contains(got, test.want) {
			t.Errorf("%d: %s", i, got)
		}
	}
}

func TestOldAnswers(t *testing.T) {
	t.Parallel()
	url := odd(t, oldCard, answers(map[string]string{
		"message/stream": "data: {\"result\":{\"kind\":\"task\",\"id\":\"t1\",\"status\":{\"state\":\"submitted\"}}}\n\n" +
			"data: {\"result\":{\"kind\":\"artifact-update\",\"taskId\":\"t1\",\"artifact\":{\"parts\":[]}}}\n\n" +
			"data: {\"result\":{\"kind\":\"status-update\",\"taskId\":\"t1\",\"status\":{\"state\":\"completed\"},\"final\":true}}\n\n",
		"tasks/get": `{"result":{"kind":"task","id":"t1","status":{"state":"completed"},"artifacts":[{"parts":[{"kind":"text","text":"Old"},` +
			`{"kind":"file","file":{"name":"f.bin"}},{"kind":"file","file":{"uri":"https://x.example/f"}}]}]}}`,
	}))
	if got := asked(t.Context(), t, chosen(url, "0.3"), "agent_other", `{"question":"x"}`); got != "Old\n[file f.bin, not shown]\n[file at https://x.example/f, not shown]" {
		t.Error(got)
	}
}

// The key goes to the agent's own host only, and no redirect is followed.
func TestKeysAndStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{401: "wants a key", 403: "wants a key", 307: "redirects to another address", 500: "500 Internal Server Error"} {
		var sent []string
		url := odd(t, newCard, func(w http.ResponseWriter, r *http.Request) {
			sent = append(sent, r.Header.Get("Authorization"), r.Header.Get("A2A-Version"))
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
		})
		got := asked(t.Context(), t, chosen(url, "1.0", `,"auth":{"kind":"bearer"}`), "agent_other", `{"question":"x"}`)
		if !strings.Contains(got, want) || strings.Join(sent, " ") != "Bearer "+key+" 1.0" {
			t.Errorf("%d: %s %q", status, got, sent)
		}
	}
}

// The address is judged when it is dialled.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	functions, err := tools.Configured([]string{name}, map[string]json.RawMessage{name: json.RawMessage(chosen("http://127.0.0.1:9", "1.0", `,"auth":{"kind":"bearer"}`))}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err = functions[0].Run(t.Context(), json.RawMessage(`{"question":"x"}`)); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Error(err)
	}
	if want := "no key for it (AGENT_KEY_AGENT_OTHER)"; !strings.Contains(functions[1].Unavailable, want) {
		t.Error(functions[1].Unavailable)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"task":{"id":"t1","status":{"state":"TASK_STATE_WORKING"},"artifacts":[{"parts":[{"text":"x"}]}]}}`, `{"message":{"parts":[{"data":{}}]}}`,
		`{"kind":"status-update","taskId":"t1","status":{"state":"completed"}}`, `{"kind":"message","parts":null}`, `{"statusUpdate":{"taskId":"t1"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, speaks := range dialects {
			got, err := speaks.read(raw)
			if err != nil {
				continue
			}
			p := &peer{speaks: speaks}
			if text, err := p.outcome(got); text == "" && err == nil || got.message == nil && got.task.ID == "" {
				t.Errorf("%+v", got)
			}
		}
	})
}
