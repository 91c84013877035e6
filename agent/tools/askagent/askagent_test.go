package askagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	for count, want := range map[int]string{0: `"hops":1`, 3: `"hops":4`, 4: "error: this question went through 4 agents"} {
		agent := &agenttest.Agent{ManifestJSON: `{"schema":1,"name":"Sample","handle":"x","request_fields":["hops"]}`}
		settings := chosen(serve(t, agent, a2a.Options{}), "1.0")
		got := asked(hops.With(t.Context(), count), t, settings, "agent_other", `{"question":"Who?"}`)
		if seen := got + strings.Join(agent.Requests(), ""); !strings.Contains(seen, want) {
			t.Errorf("%d: %s", count, seen)
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
