package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"agent.local/a0000000000000000/budget"
	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/tools"
)

func sampleAgent(t *testing.T, change func(*config.Config), steps ...step) (*Agent, *script) {
	t.Helper()
	raw, err := os.ReadFile("../agent.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&c)
	}
	selected, err := tools.Select(c.Capabilities.Tools)
	if err != nil {
		t.Fatal(err)
	}
	provider := &script{steps: steps}
	return &Agent{config: c, provider: provider, tools: selected, ledger: &budget.Ledger{}}, provider
}

// handle returns the events of a request, without their times.
func handle(t *testing.T, a *Agent, request string) ([]map[string]any, error) {
	t.Helper()
	var events []map[string]any
	err := a.Handle(t.Context(), []byte(request), func(raw []byte) error {
		var event map[string]any
		if err := json.Unmarshal(raw, &event); err != nil {
			t.Errorf("not JSON: %s", raw)
		}
		delete(event, "ms")
		events = append(events, event)
		return nil
	})
	return events, err
}

func list(t *testing.T, text string) (events []map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte("["+text+"]"), &events); err != nil {
		t.Fatal(err)
	}
	return events
}

const hello = `{"messages":[{"role":"user","content":"hello"}]}`

func TestAnswer(t *testing.T) {
	t.Parallel()
	a, provider := sampleAgent(t, nil, answers("Hi ", "there <b>\u202e\x00"))
	got, err := handle(t, a, hello)
	want := list(t, `{"type":"token","text":"Hi "},{"type":"token","text":"there <b>\u202e\u0000"},
		{"type":"usage","input_tokens":10,"output_tokens":2},
		{"type":"done","text":"Hi there <b>\u202e\u0000","rounds":1,"finish":"stop"}`)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	sent := provider.requests[0]
	if !strings.HasPrefix(sent.System, "You are Sample Agent") || sent.Temperature != 0.3 || sent.MaxTokens != 512 || len(sent.Functions) != 2 {
		t.Errorf("sent %+v", sent)
	}
}

func TestToolRound(t *testing.T) {
	t.Parallel()
	a, provider := sampleAgent(t, nil, calls("Let me see.", providers.Call{ID: "c1", Name: "calculator", Arguments: `{"expression":"6*7"}`}), answers("It is 42."))
	got, err := handle(t, a, hello)
	want := list(t, `{"type":"token","text":"Let me see."},
		{"type":"tool_call","id":"c1","name":"calculator","arguments":{"expression":"6*7"}},
		{"type":"tool_result","id":"c1","name":"calculator","result":"42","error":false},
		{"type":"token","text":"\n\nIt is 42."},{"type":"usage","input_tokens":20,"output_tokens":4},
		{"type":"done","text":"Let me see.\n\nIt is 42.","rounds":2,"finish":"stop"}`)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	last := provider.requests[1].Messages
	if len(last) != 3 || last[1].Text != "Let me see." || last[2].CallID != "c1" || last[2].Text != "42" {
		t.Errorf("sent %+v", last)
	}
}

// Every call gets a result, with which the model may continue.
func TestToolMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, arguments, result string
	}{
		{"teleport", "{}", `there is no tool "teleport"; the tools are: calculator, clock`},
		{"calculator", `{"expression`, "the arguments were not a JSON object"},
		{"calculator", `[1]`, "the arguments were not a JSON object"},
		{"calculator", `null`, "the arguments were not a JSON object"},
		{"calculator", `{"x":"` + strings.Repeat("x", maxArguments) + `"}`, "the arguments were not a JSON object"},
		{"calculator", `{"expression":"fail"}`, "can't"},
		{"calculator", `{"expression":"panic"}`, "the tool failed: no"},
	}
	for _, test := range tests {
		a, provider := sampleAgent(t, nil, calls("", providers.Call{Name: test.name, Arguments: test.arguments}), answers("Sorry."))
		got, err := handle(t, a, hello)
		if err != nil || len(got) != 5 {
			t.Fatalf("%s: %v, %v", test.arguments, got, err)
		}
		result := got[1]
		if result["error"] != true || !strings.HasPrefix(result["result"].(string), test.result) || result["id"] != "call01001" {
			t.Errorf("%.50s: %v", test.arguments, result)
		}
		if sent := provider.requests[1].Messages[2]; !sent.Failed || sent.Text != result["result"] {
			t.Errorf("the model received %+v", sent)
		}
	}
}

// Servers that reuse the ids of calls confuse no results.
func TestReusedIDs(t *testing.T) {
	t.Parallel()
	call := providers.Call{ID: "same", Name: "clock"}
	a, provider := sampleAgent(t, nil, calls("", call, call), calls("", call), answers("ok"))
	got, err := handle(t, a, hello)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[any]int{}
	for _, event := range got {
		if id := event["id"]; id != nil {
			ids[id]++
		}
	}
	if !reflect.DeepEqual(ids, map[any]int{"same": 2, "call01002": 2, "call02001": 2}) {
		t.Errorf("got %v", ids)
	}
	if sent := provider.requests[2].Messages; sent[1].Calls[1].ID != "call01002" || sent[3].CallID != "call01002" || sent[5].CallID != "call02001" {
		t.Errorf("sent %+v", sent)
	}
}

// Reasoning goes back with the results of calls, never with an answer.
func TestReasoningGoesBackWithCalls(t *testing.T) {
	t.Parallel()
	thinks := func(_ context.Context, _ func(string) error) (providers.Reply, error) {
		return providers.Reply{Calls: []providers.Call{{Name: "clock"}}, Reasoned: true, Reasoning: json.RawMessage(`"hm"`)}, nil
	}
	a, provider := sampleAgent(t, nil, thinks, answers("ok"))
	if got, err := handle(t, a, hello); err != nil || string(provider.requests[1].Messages[1].Reasoning) != `"hm"` {
		t.Errorf("got %v, %v; sent %+v", got, err, provider.requests[1].Messages)
	}
}

func TestToolWithoutArgumentsAndWithALongResult(t *testing.T) {
	t.Parallel()
	a, _ := sampleAgent(t, nil, calls("", providers.Call{ID: "a", Name: "clock"},
		providers.Call{ID: "b", Name: "calculator", Arguments: `{"expression":"long"}`}), answers("ok"))
	got, err := handle(t, a, hello)
	if err != nil || got[1]["result"] != "noon" {
		t.Fatalf("got %v, %v", got, err)
	}
	if long := got[3]["result"].(string); len(long) > maxResult+200 || !strings.HasSuffix(long, "call read_on with handle \"r1\" and from 32768)") {
		t.Errorf("a result of %d bytes", len(long))
	}
}

func TestToolRoundsUsedUp(t *testing.T) {
	t.Parallel()
	again := calls("", providers.Call{ID: "a", Name: "clock", Arguments: "{}"})
	two := func(c *config.Config) { c.Limits.ToolRounds = 2 }

	a, provider := sampleAgent(t, two, again, again, answers("So far: noon."))
	got, err := handle(t, a, hello)
	if err != nil || got[len(got)-1]["finish"] != "tool_rounds" || got[len(got)-1]["rounds"] != 3.0 {
		t.Errorf("got %v, %v", got[len(got)-1], err)
	}
	if provider.requests[1].NoCalls || !provider.requests[2].NoCalls || len(provider.requests[2].Functions) != 2 {
		t.Error("only the last request must forbid calls, and still name the tools")
	}

	a, provider = sampleAgent(t, two, again)
	got, err = handle(t, a, hello)
	if err == nil || got[len(got)-1]["code"] != "tool_rounds" || len(provider.requests) != 3 {
		t.Errorf("got %v, %v after %d requests", got[len(got)-1], err, len(provider.requests))
	}
}

func TestNoToolRoundsMeansNoTools(t *testing.T) {
	t.Parallel()
	a, provider := sampleAgent(t, func(c *config.Config) { c.Limits.ToolRounds = 0 }, answers("Hi"))
	got, err := handle(t, a, hello)
	if err != nil || got[len(got)-1]["finish"] != "stop" || len(provider.requests[0].Functions) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	filtered := func(context.Context, func(string) error) (providers.Reply, error) {
		return providers.Reply{Finish: providers.Filtered, Usage: providers.Usage{Input: 1}}, nil
	}
	tests := []struct {
		name string
		step step
		want string
	}{
		{"provider", fails(&providers.Error{Kind: providers.Refused, Status: 401, Message: "bad key"}),
			`{"type":"error","code":"provider_refused","status":401,"message":"bad key"}`},
		{"filter", filtered, `{"type":"usage","input_tokens":1,"output_tokens":0},
			{"type":"error","code":"provider_refused","message":"the provider's content filter stopped the answer"}`},
		{"other", fails(errors.New("odd")), `{"type":"error","code":"internal","message":"odd"}`},
		{"panic", func(context.Context, func(string) error) (providers.Reply, error) { panic("odd") },
			`{"type":"error","code":"internal","message":"the agent failed: odd"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, _ := sampleAgent(t, nil, test.step)
			got, err := handle(t, a, hello)
			if want := list(t, test.want); err == nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func waits(ctx context.Context, _ func(string) error) (providers.Reply, error) {
	<-ctx.Done()
	return providers.Reply{}, ctx.Err()
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := sampleAgent(t, func(c *config.Config) { c.Limits.Seconds = 5 }, waits)
		got, err := handle(t, a, hello)
		if err == nil || got[0]["code"] != "time_limit" || !strings.Contains(got[0]["message"].(string), "5 seconds") {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

type overfull struct{}

func (overfull) Error() string { return "too much" }
func (overfull) Code() string  { return "memory_limit" }

func TestCancelled(t *testing.T) {
	t.Parallel()
	for code, cause := range map[string]error{"cancelled": nil, "memory_limit": overfull{}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		a, _ := sampleAgent(t, nil, func(ctx context.Context, onText func(string) error) (providers.Reply, error) {
			cancel(cause)
			return waits(ctx, onText)
		})
		var last map[string]any
		err := a.Handle(ctx, []byte(hello), func(raw []byte) error { return json.Unmarshal(raw, &last) })
		if err == nil || last["code"] != code {
			t.Errorf("got %v, %v", last, err)
		}
	}
}

func TestEmitFails(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	a, _ := sampleAgent(t, nil, answers("a", "b"))
	count := 0
	err := a.Handle(t.Context(), []byte(hello), func([]byte) error {
		count++
		return gone
	})
	if !errors.Is(err, gone) || count != 1 {
		t.Errorf("%d events, %v", count, err)
	}
}
