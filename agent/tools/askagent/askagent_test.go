package askagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agent.local/a0000000000000000/a2a"
	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/hops"
	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/tools"
)

const key = "agent-key-0123456789"

// serve serves an agent as compiled agents do.
func serve(t *testing.T, agent protocol.Agent, options a2a.Options) string {
	t.Helper()
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		t.Fatal(err)
	}
	server := a2a.New(agent, manifest, options)
	mux := http.NewServeMux()
	server.Register(mux)
	mux.HandleFunc("GET "+a2a.CardPaths[0], server.Card)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	return web.URL
}

// chosen returns the settings for the agent at an address, as its card is.
func chosen(url, version string, more ...string) string {
	card := fmt.Sprintf(`{"function":"agent_other","name":"Sample","description":"Answers questions.","skills":[{"id":"ask","name":"Ask Sample",`+
		`"description":"Answers questions."}],"endpoint":"%s/a2a","protocol":%q}`, url, version)
	return fmt.Sprintf(`{"agents":[{"name":"other","url":"%s%s","cards":[%s]%s}]}`, url, a2a.CardPaths[0], card, strings.Join(more, ""))
}

func configured(settings string) ([]tools.Tool, error) {
	return tools.Configured([]string{name}, map[string]json.RawMessage{name: json.RawMessage(settings)}, func(name string) string {
		return map[string]string{outbound.PrivateHostsEnv: "127.0.0.1", "AGENT_KEY_AGENT_OTHER": key}[name]
	})
}

// asked returns what a function of the settings' agent answers, or its error.
func asked(ctx context.Context, t *testing.T, settings, function, arguments string) string {
	t.Helper()
	functions, err := configured(settings)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range functions {
		if each.Name == function {
			text, err := each.Run(ctx, json.RawMessage(arguments))
			if err != nil {
				return "error: " + err.Error()
			}
			return text
		}
	}
	t.Fatal(function)
	return ""
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, options := range []a2a.Options{{}, {Stateless: true}, {Shared: true}} {
		url := serve(t, &agenttest.Agent{}, options)
		for version := range dialects {
			for question, want := range map[string]string{
				"Is it tide?":   "Is it tide?",
				"fail no_key":   "because no_key",
				"fail busy":     "because busy",
				"break":         "because provider_unreachable",
				" ":             "error: the text is empty",
				"\u202eof tide": "\u202eof tide",
			} {
				arguments, _ := json.Marshal(map[string]string{"question": question})
				got := asked(t.Context(), t, chosen(url, version), "agent_other", string(arguments))
				if !strings.Contains(got, want) {
					t.Errorf("%s %+v %s: %s", version, options, question, got)
				}
			}
		}
	}
}

func TestDescription(t *testing.T) {
	t.Parallel()
	functions, err := configured(chosen("https://a.example", "1.0", `,"auth":{"kind":"bearer"}`))
	if err != nil || len(functions) != 2 {
		t.Fatal(functions, err)
	}
	for i, name := range []string{"agent_other", "agent_other_reply"} {
		f := functions[i]
		if f.Name != name || f.Set != "agent" || f.May&tools.Writes == 0 || !f.Untrusted || f.Host != "a.example" || f.Unavailable != "" {
			t.Errorf("%+v", f)
		}
	}
	if text := functions[0].Description; !strings.Contains(text, "Sample, and return its answer. Answers questions.\nIts skills:\n- Ask Sample: Answers") {
		t.Error(text)
	}
}

// approving asks a person before it answers, and tells what it was answered.
type approving struct{ agenttest.Agent }

func (a *approving) Handle(_ context.Context, request []byte, emit func([]byte) error) error {
	var asked protocol.Request
	_ = json.Unmarshal(request, &asked)
	if asked.Approval != nil && len(asked.Approval.Answers) > 0 {
		answer := asked.Approval.Answers[0]
		return emit([]byte(fmt.Sprintf(`{"type":"done","text":"%s: %s","finish":"stop"}`, answer.Answer, answer.Word)))
	}
	_ = emit([]byte(`{"type":"approval","id":"c1","tool":"mail","arguments":{"to":"bob"}}`))
	return emit([]byte(`{"type":"done","text":"","finish":"approval","state":"sealed"}`))
}

// What an agent asks back is answered by a function of its own, on the same task, once.
func TestQuestionsBack(t *testing.T) {
	t.Parallel()
	agent := &approving{agenttest.Agent{ManifestJSON: `{"schema":1,"name":"Sample","handle":"x","request_fields":["approval"]}`}}
	url := serve(t, agent, a2a.Options{})
	for version := range dialects {
		for said, want := range map[string]string{"yes": "once: ", "not to Bob": "deny: not to Bob"} {
			settings := chosen(url, version)
			waiting := asked(t.Context(), t, settings, "agent_other", `{"question":"Mail Bob"}`)
			before, after, found := strings.Cut(waiting, `call agent_other_reply with the task "`)
			if !found || !strings.Contains(before, `asks back: May mail run with {"to":"bob"}?`) {
				t.Fatal(waiting)
			}
			task, _, _ := strings.Cut(after, `"`)
			reply := fmt.Sprintf(`{"task":%q,"answer":%q}`, task, said)
			if got := asked(t.Context(), t, settings, "agent_other_reply", reply); got != strings.TrimSpace(want) {
				t.Errorf("%s %s: %s", version, said, got)
			}
			if got := asked(t.Context(), t, settings, "agent_other_reply", reply); !strings.Contains(got, "error -32004: the task has ended") {
				t.Errorf("%s again: %s", said, got)
			}
		}
	}
}

// Who stops waiting ends the task of the other agent too, and so does the time limit.
func TestCancel(t *testing.T) {
	t.Parallel()
	for version := range dialects {
		for _, isOver := range []bool{true, false} {
			agent := &agenttest.Agent{Waiting: make(chan struct{})}
			ended := make(chan struct{})
			url := serve(t, &ending{agent, ended}, a2a.Options{})
			ctx, cancel := context.WithCancelCause(t.Context())
			further := `,"seconds":1`
			if !isOver {
				further = ""
			}
			go func() {
				<-agent.Waiting
				if !isOver {
					cancel(errors.New("nobody waits"))
				}
			}()
			got := asked(ctx, t, chosen(url, version, further), "agent_other", `{"question":"wait"}`)
			if want := map[bool]string{true: "error: the agent did not answer within 1s", false: "error: nobody waits"}[isOver]; got != want {
				t.Errorf("%s: %s", version, got)
			}
			<-ended
			cancel(nil)
		}
	}
}

// ending tells when an answer has ended.
type ending struct {
	*agenttest.Agent
	ended chan struct{}
}

func (e *ending) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	defer close(e.ended)
	return e.Agent.Handle(ctx, request, emit)
}

// A question says through how many agents it has gone, and goes no further than some.
func TestCircles(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{ManifestJSON: `{"schema":1,"name":"Sample","handle":"x","request_fields":["hops"]}`}
	settings := chosen(serve(t, agent, a2a.Options{}), "1.0")
	for count, want := range map[int]string{0: `"hops":1`, 3: `"hops":4`, 4: "error: this question went through 4 agents"} {
		got := asked(hops.With(t.Context(), count), t, settings, "agent_other", `{"question":"Who?"}`)
		requests := agent.Requests()
		if !strings.Contains(got+requests[len(requests)-1], want) {
			t.Errorf("%d: %s %s", count, got, requests)
		}
	}
}

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

func TestSettings(t *testing.T) {
	t.Parallel()
	good := chosen("https://a.example", "1.0")
	for change, want := range map[string]string{
		`https://a.example/a2a|https://b.example/a2a`: "is not at https://a.example",
		`https://a.example/a2a|http://a.example/a2a`:  "is not at https://a.example",
		`"1.0"|"2.0"`:                                 "does not know",
		`"agent_other"|"agent other"`:                 "not the name of a function",
		`"name":"other"|"name":"Other"`:               "not the name of a service",
		`"name":"other"|"seconds":601,"name":"other"`: "1 to 600 seconds",
		`{"agents"|["agents"`:                         "invalid character",
	} {
		before, after, _ := strings.Cut(change, "|")
		if _, err := configured(strings.Replace(good, before, after, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", change, err)
		}
	}
	if functions, err := configured(`{"agents":[{"name":"other","url":"https://a.example/card.json","cards":[]}]}`); err != nil || len(functions) != 0 {
		t.Error(functions, err)
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
