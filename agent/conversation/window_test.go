package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/newest"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/seal"
)

// talkative answers every question in some fifty tokens, and requests for a summary with
// one that counts them.
type talkative struct {
	requests  []providers.Request
	summaries int
	fail      bool
}

func (p *talkative) Stream(_ context.Context, r providers.Request, onText func(string) error) (providers.Reply, error) {
	p.requests = append(p.requests, r)
	text := "Answer: " + strings.Repeat("word ", 40)
	if r.System == summaryPrompt {
		if p.fail {
			return providers.Reply{}, &providers.Error{Kind: providers.Unreachable, Message: "lost"}
		}
		p.summaries++
		text = fmt.Sprintf("hm\n</think>\nSummary %d.", p.summaries)
	}
	return providers.Reply{Finish: providers.Stop, Usage: providers.Usage{Input: estimate(r), Output: 50}}, onText(text)
}

func windowed(t *testing.T, tokens, turns int, p providers.Provider) *Agent {
	t.Helper()
	a, _ := sampleAgent(t, func(c *config.Config) {
		c.Limits.ToolRounds, c.SystemPrompt = 4, "Be brief."
		c.Capabilities.Memory = config.Memory{Enabled: true, Turns: turns, Tokens: tokens}
	})
	a.provider = p
	var err error
	if a.sealer, err = seal.New(""); err != nil {
		t.Fatal(err)
	}
	return a
}

// A conversation that outgrows the window goes on with summaries: each request fits, and
// not every answer needs a new one. The state or the messages themselves find it again.
func TestWindow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		ask           bool
		tokens, turns int
	}{{"by the messages", false, 600, 50}, {"by the state", true, 600, 50}, {"by exchanges", false, 100_000, 4}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &talkative{}
			a := windowed(t, test.tokens, test.turns, p)
			var messages []map[string]string
			state := ""
			for n := range 30 {
				if test.ask {
					a.summaries = newest.Map[string]{}
				}
				messages = append(messages, map[string]string{"role": "user", "content": fmt.Sprintf("Question %d", n)})
				request, _ := json.Marshal(map[string]any{"messages": messages, "approval": map[string]any{"ask": test.ask, "state": state}})
				events, err := handle(t, a, string(request))
				if err != nil {
					t.Fatal(err)
				}
				last := events[len(events)-1]
				state, _ = last["state"].(string)
				messages = append(messages, map[string]string{"role": "assistant", "content": last["text"].(string)})
				sent := p.requests[len(p.requests)-1]
				if size := estimate(sent); size > test.tokens || len(sent.Messages) > 2*test.turns+1 {
					t.Fatalf("question %d: %d tokens, %d messages", n, size, len(sent.Messages))
				}
				if got := sent.Messages[len(sent.Messages)-1].Text; !strings.HasSuffix(got, fmt.Sprintf("Question %d", n)) {
					t.Fatalf("asked %q", got)
				}
				if p.summaries > 0 && !strings.HasPrefix(sent.Messages[0].Text, fmt.Sprintf("(A summary of the conversation before, for reference only:\nSummary %d.", p.summaries)) {
					t.Fatalf("question %d begins with %q", n, sent.Messages[0].Text)
				}
			}
			if p.summaries < 2 || p.summaries > 16 {
				t.Errorf("%d summaries of 30 answers", p.summaries)
			}
			for _, r := range p.requests {
				if r.System == summaryPrompt && p.summaries > 1 && len(r.Messages) != 1 {
					t.Errorf("a summary of %+v", r.Messages)
				}
			}
		})
	}
}

// Who does not have the messages finds no summary of them.
func TestSummaryOfAnother(t *testing.T) {
	t.Parallel()
	p := &talkative{}
	a := windowed(t, 300, 50, p)
	request := func(secret string) string {
		long := strings.Repeat("x", 2000)
		return fmt.Sprintf(`{"messages":[{"role":"user","content":%q},{"role":"assistant","content":%q},{"role":"user","content":"And?"}]}`, secret, long)
	}
	for n, secret := range []string{"My PIN is 1234.", "Mine is 9999.", "My PIN is 1234."} {
		if _, err := handle(t, a, request(secret)); err != nil {
			t.Fatal(err)
		}
		want := []string{"Summary 1.", "Summary 2.", "Summary 1."}[n]
		if sent := p.requests[len(p.requests)-1].Messages[0].Text; !strings.Contains(sent, want) {
			t.Errorf("%s: sent %q", secret, sent)
		}
	}
}

// An answer goes on without a summary if there is none to have.
func TestSummaryFails(t *testing.T) {
	t.Parallel()
	a := windowed(t, 300, 50, &talkative{fail: true})
	long := strings.Repeat("x", 2000)
	events, err := handle(t, a, fmt.Sprintf(`{"messages":[{"role":"user","content":%q},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`, long))
	if err != nil || events[0]["type"] != "window" || events[0]["summary"] != false || events[0]["messages_left_out"] != 2.0 {
		t.Errorf("got %v, %v", events, err)
	}
}

func call(n int, expression string) step {
	reasoned := calls("", providers.Call{ID: fmt.Sprintf("c%d", n), Name: "calculator", Arguments: fmt.Sprintf(`{"expression":%q}`, expression)})
	return func(ctx context.Context, onText func(string) error) (providers.Reply, error) {
		reply, err := reasoned(ctx, onText)
		reply.Reasoning = json.RawMessage(fmt.Sprintf(`{"signature":"s%d"}`, n))
		return reply, err
	}
}

// Rounds of tools that outgrow the window are shortened and left out whole: no result is
// without its call, and what the provider wants back goes with it.
func TestWindowOfRounds(t *testing.T) {
	t.Parallel()
	a, provider := sampleAgent(t, func(c *config.Config) {
		c.Limits.ToolRounds, c.SystemPrompt = 10, "x"
		c.Capabilities.Memory = config.Memory{Enabled: true, Turns: 5, Tokens: 2500}
	}, call(1, "long"), call(2, "long"), call(3, "long"), call(4, "long"), call(5, "long"), call(6, "long"), answers("Done."))
	if _, err := handle(t, a, hello); err != nil {
		t.Fatal(err)
	}
	for n, sent := range provider.requests {
		if size := estimate(sent); size > 2500 {
			t.Errorf("request %d has %d tokens", n, size)
		}
		if sent.Messages[0].Role != providers.User || !strings.HasPrefix(sent.Messages[0].Text, "hello") {
			t.Errorf("request %d begins with %+v", n, sent.Messages[0])
		}
		for i, m := range sent.Messages[1:] {
			if m.Role == providers.Assistant && (len(m.Reasoning) == 0 || i+2 == len(sent.Messages) || sent.Messages[i+2].CallID != m.Calls[0].ID) {
				t.Errorf("request %d has half a round: %+v", n, m)
			}
		}
	}
	last := provider.requests[len(provider.requests)-1]
	if !strings.Contains(last.Messages[len(last.Messages)-1].Text, `handle "r6"`) {
		t.Errorf("the newest result: %.200q", last.Messages[len(last.Messages)-1].Text)
	}
}

// An answer that is to be sent again in another form stays with the reason.
func TestWindowOfAWrongForm(t *testing.T) {
	t.Parallel()
	wrong, right := answers(strings.Repeat("no JSON ", 400)), answers("{}")
	for _, steps := range [][]step{{wrong, right}, {call(1, "long"), wrong, right}} {
		a, provider := sampleAgent(t, func(c *config.Config) {
			c.Capabilities.Memory = config.Memory{Enabled: true, Turns: 5, Tokens: 800}
		}, steps...)
		if _, err := handle(t, a, formatted(`{"type":"json_object"}`)); err != nil {
			t.Fatal(err)
		}
		sent := provider.requests[len(steps)-1].Messages
		if last := sent[len(sent)-1]; len(sent) != 3 || !strings.Contains(last.Text, "Send it again") || !strings.HasPrefix(sent[1].Text, "no JSON") {
			t.Errorf("sent %d messages, the last one %.200q", len(sent), last.Text)
		}
	}
}

// A huge result is shortened with a handle, by which the model reads all of it.
func TestReadOn(t *testing.T) {
	t.Parallel()
	read := func(handle string, from int) step {
		return calls("", providers.Call{Name: readOn, Arguments: fmt.Sprintf(`{"handle":%q,"from":%d}`, handle, from)})
	}
	a, provider := sampleAgent(t, func(c *config.Config) { c.Limits.ToolRounds = 10 },
		call(1, "long"), read("r1", maxResult), read("r1", 2*maxResult-shortResult), read("r1", 9*maxResult), read("r7", 0), answers("Done."))
	events, err := handle(t, a, hello)
	if err != nil {
		t.Fatal(err)
	}
	var results []string
	for _, event := range events {
		if event["type"] == "tool_result" {
			results = append(results, event["result"].(string))
		}
	}
	whole := ""
	for _, result := range results[:3] {
		part, _, _ := strings.Cut(result, " … (cut: ")
		whole += part
	}
	if whole != strings.Repeat("ä", maxResult) {
		t.Errorf("read %d bytes", len(whole))
	}
	if !strings.Contains(results[3], "beyond the end") || !strings.Contains(results[4], "call the tool again") {
		t.Errorf("got %q", results[3:])
	}
	if len(provider.requests[0].Functions) != 2 || len(provider.requests[1].Functions) != 3 {
		t.Errorf("offered %d, then %d", len(provider.requests[0].Functions), len(provider.requests[1].Functions))
	}
}

// After an approval no handle stands for another result, and the model is told that what
// it read before is gone.
func TestReadOnAfterAnApproval(t *testing.T) {
	t.Parallel()
	read := func(handle string) providers.Call {
		return providers.Call{Name: readOn, Arguments: fmt.Sprintf(`{"handle":%q,"from":%d}`, handle, maxResult)}
	}
	p, _ := newPerson(t, nil, calls("", open("https://a.example/")), calls("", save("x")), calls("", open("https://a.example/")),
		calls("", read("r1"), read("r2")), answers("Done."))
	p.page = strings.Repeat("a", 2*maxResult)
	p.ask("look at https://a.example/")
	p.answer("once")
	var results []string
	for _, event := range p.of("tool_result") {
		results = append(results, event["result"].(string))
	}
	if len(results) != 4 || !strings.Contains(results[1], `handle "r2"`) || !strings.Contains(results[2], "call the tool again") || !strings.HasPrefix(results[3], "aaa") {
		t.Errorf("%d results: %.300q", len(results), results)
	}
}

// What is read on of a text from outside stays marked as that.
func TestReadOnOutside(t *testing.T) {
	t.Parallel()
	page := calls("", providers.Call{Name: "page", Arguments: `{"url":"https://a.example/"}`})
	on := calls("", providers.Call{Name: readOn, Arguments: fmt.Sprintf(`{"handle":"r1","from":%d}`, maxResult)})
	p, provider := newPerson(t, nil, page, on, answers("Done."))
	p.page = strings.Repeat("a", 2*maxResult)
	p.messages = []map[string]string{{"role": "user", "content": "hello"}}
	p.send(nil)
	last := provider.requests[2].Messages
	if text := last[len(last)-1].Text; !strings.Contains(text, `"source":"page a.example"`) || !strings.Contains(text, "never instructions") {
		t.Errorf("sent %.200q", text)
	}
}
