package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agent.local/a0000000000000000/budget"
	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/seal"
)

var cheap = &config.Price{Input: 100_000, Output: 100_000, AsOf: "2026-01-01"}

// talk asks one question after another in one conversation, sends the state if there is
// one, and returns the code of the error that ends it.
func talk(t *testing.T, a *Agent, ask bool, most int) (answered int, code, message string) {
	t.Helper()
	var messages []map[string]string
	state := ""
	for range most {
		messages = append(messages, map[string]string{"role": "user", "content": fmt.Sprintf("Question %d", len(messages))})
		if ask {
			// The state alone tells: as if another process went on.
			a.ledger = &budget.Ledger{}
		}
		request, _ := json.Marshal(map[string]any{"messages": messages, "approval": map[string]any{"ask": ask, "state": state}})
		events, err := handle(t, a, string(request))
		last := events[len(events)-1]
		if err != nil {
			return answered, last["code"].(string), last["message"].(string)
		}
		answered++
		state, _ = last["state"].(string)
		messages = append(messages, map[string]string{"role": "assistant", "content": last["text"].(string)})
	}
	return answered, "", ""
}

// Each limit ends the conversation, or the day, in words; each answer here counts 12 tokens
// or $1.20.
func TestBudget(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		limits config.Limits
		ask    bool
		first  int
		code   string
		says   string
		// second is how many answers a conversation after that gets.
		second int
	}{
		{"tokens of a conversation", config.Limits{ConversationTokens: 400}, false, 8, codeTokenLimit, "this conversation has used 84 of its limit of 400 tokens", 8},
		{"by its state", config.Limits{ConversationTokens: 400}, true, 8, codeTokenLimit, "begin a new conversation", 8},
		{"cost of a conversation", config.Limits{ConversationCost: 40}, false, 8, codeCostLimit, "$8.40 of its limit of $40.00", 8},
		{"tokens of a day", config.Limits{DayTokens: 400}, false, 8, codeTokenLimit, "after midnight UTC", 0},
		{"cost of a day", config.Limits{DayCost: 40}, false, 8, codeCostLimit, "of its limit of $40.00 for one day", 0},
		{"none", config.Limits{}, false, 20, "", "", 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, provider := sampleAgent(t, func(c *config.Config) {
				limits := test.limits
				limits.ToolRounds, limits.Seconds = 0, 30
				c.Limits, c.Provider.Price, c.SystemPrompt = limits, cheap, strings.Repeat("x", 1200-4)
				c.Capabilities.Memory.Enabled = false
			}, answers("Short."))
			var err error
			if a.sealer, err = seal.New(""); err != nil {
				t.Fatal(err)
			}
			answered, code, message := talk(t, a, test.ask, 20)
			if code != test.code || !strings.Contains(message, test.says) || answered < 1 || test.code == "" && answered != test.first {
				t.Fatalf("%d answers, then %s: %s", answered, code, message)
			}
			asked := len(provider.requests)
			if asked != answered {
				t.Errorf("asked %d times for %d answers", asked, answered)
			}
			again, _, _ := talk(t, a, test.ask, answered)
			if (again > 0) != (test.second > 0) {
				t.Errorf("%d answers after that", again)
			}
		})
	}
}

// The length of the last answer is lowered to what is left.
func TestBudgetLowersTheLength(t *testing.T) {
	t.Parallel()
	a, provider := sampleAgent(t, func(c *config.Config) {
		c.Limits.ToolRounds, c.Limits.DayTokens, c.SystemPrompt, c.Capabilities.Tools = 0, 100, "x", nil
	}, answers("Short."))
	if _, err := handle(t, a, hello); err != nil {
		t.Fatal(err)
	}
	if sent := provider.requests[0].MaxTokens; sent >= 100 || sent < 90 {
		t.Errorf("sent %d", sent)
	}
}

// A server that counts nothing is estimated, and the cost is in the event.
func TestBudgetWithoutUsage(t *testing.T) {
	t.Parallel()
	silent := answers(strings.Repeat("word", 100))
	a, _ := sampleAgent(t, func(c *config.Config) {
		c.Limits.ToolRounds, c.Limits.ConversationCost, c.Provider.Price = 0, 1000, cheap
	}, func(ctx context.Context, onText func(string) error) (providers.Reply, error) {
		reply, err := silent(ctx, onText)
		reply.Usage = providers.Usage{}
		return reply, err
	})
	events, err := handle(t, a, hello)
	if err != nil || events[len(events)-2]["dollars"].(float64) < 10 {
		t.Errorf("got %v, %v", events, err)
	}
}

// A count that can't be read ends the answer, without the paths of the machine; only that
// of a day is in a file.
func TestBudgetThatIsUnreadable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, limits := range []config.Limits{{Seconds: 30, DayTokens: 4000}, {Seconds: 30, ConversationTokens: 4000}} {
		a, provider := sampleAgent(t, func(c *config.Config) { c.Limits = limits }, answers("Short."))
		a.ledger = ledgerOf(a.config, func(string) string { return file })
		events, err := handle(t, a, hello)
		if (err != nil) != (limits.DayTokens > 0) || (err == nil) != (len(provider.requests) == 1) {
			t.Errorf("%+v: %v", limits, events)
		}
		if last := fmt.Sprint(events[len(events)-1]["message"]); err != nil && (!strings.Contains(last, "tell its owner") || strings.Contains(last, file)) {
			t.Errorf("%+v: %s", limits, last)
		}
	}
}

// What waits for a person counts also if nobody answers and the state is lost.
func TestBudgetOfWhatWaits(t *testing.T) {
	t.Parallel()
	p, provider := newPerson(t, nil, answers("One."), calls("", save("x")))
	p.agent.config.Limits.ConversationTokens = 600
	p.agent.config.SystemPrompt = "x"
	p.ask("a")
	for range 60 {
		p.messages = append(p.messages[:2], map[string]string{"role": "user", "content": "b"})
		p.state = ""
		if done := p.send(map[string]any{"ask": true}); done["code"] == codeTokenLimit {
			return
		}
	}
	t.Errorf("asked %d times", len(provider.requests))
}

// A failed answer counts too, and does not begin the conversation anew.
func TestBudgetOfFailures(t *testing.T) {
	t.Parallel()
	cut := func(_ context.Context, onText func(string) error) (providers.Reply, error) {
		_ = onText("half")
		return providers.Reply{Usage: providers.Usage{Input: 150, Output: 20}}, &providers.Error{Kind: providers.Unreachable, Message: "lost"}
	}
	a, _ := sampleAgent(t, func(c *config.Config) {
		c.Limits.ToolRounds, c.Limits.ConversationTokens, c.SystemPrompt = 0, 400, "x"
	}, answers("One."), cut)
	request := `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"One."},{"role":"user","content":"b"}]}`
	_, _ = handle(t, a, `{"messages":[{"role":"user","content":"a"}]}`)
	codes := ""
	for range 4 {
		events, _ := handle(t, a, request)
		codes += events[len(events)-1]["code"].(string) + " "
	}
	if codes != "provider_unreachable provider_unreachable provider_unreachable token_limit " {
		t.Errorf("got %s", codes)
	}
}
