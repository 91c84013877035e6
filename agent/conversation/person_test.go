package conversation

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/seal"
)

// person asks an agent and answers its approvals, as a page would.
type person struct {
	t        *testing.T
	agent    *Agent
	runs     *runs
	page     string
	messages []map[string]string
	state    string
	events   []map[string]any
}

func newPerson(t *testing.T, permissions map[string][]string, steps ...step) (*person, *script) {
	t.Helper()
	agent, provider := sampleAgent(t, func(c *config.Config) {
		c.Capabilities.Tools = []string{"calculator", "notes", "page"}
		c.Capabilities.Permissions = permissions
		c.Limits.ToolRounds = 10
	}, steps...)
	var err error
	if agent.rules, err = rulesOf(permissions, agent.tools); err != nil {
		t.Fatal(err)
	}
	if agent.sealer, err = seal.New(""); err != nil {
		t.Fatal(err)
	}
	return &person{t: t, agent: agent, runs: &runs{}}, provider
}

// send sends a request and returns the closing event.
func (p *person) send(approval map[string]any) map[string]any {
	p.t.Helper()
	request := map[string]any{"messages": p.messages}
	if approval != nil {
		request["approval"] = approval
	}
	encoded, _ := json.Marshal(request)
	p.events = nil
	ctx := context.WithValue(p.t.Context(), runsKey{}, p.runs)
	if p.page != "" {
		ctx = context.WithValue(ctx, pageKey{}, p.page)
	}
	_ = p.agent.Handle(ctx, encoded, func(raw []byte) error {
		var event map[string]any
		if err := json.Unmarshal(raw, &event); err != nil {
			p.t.Errorf("not JSON: %s", raw)
		}
		p.events = append(p.events, event)
		return nil
	})
	last := p.events[len(p.events)-1]
	if state, ok := last["state"].(string); ok {
		p.state = state
	}
	if last["type"] == "done" && last["finish"] != "approval" {
		p.messages = append(p.messages, map[string]string{"role": "assistant", "content": last["text"].(string)})
	}
	return last
}

func (p *person) ask(text string) map[string]any {
	p.t.Helper()
	p.messages = append(p.messages, map[string]string{"role": "user", "content": text})
	return p.send(map[string]any{"ask": true, "state": p.state})
}

// answer answers all that waits in the same way.
func (p *person) answer(word string) map[string]any {
	p.t.Helper()
	var answers []map[string]string
	for _, event := range p.of("approval") {
		answers = append(answers, map[string]string{"id": event["id"].(string), "answer": word, "word": "use the other file"})
	}
	return p.send(map[string]any{"ask": true, "state": p.state, "answers": answers})
}

func (p *person) of(kind string) (events []map[string]any) {
	for _, event := range p.events {
		if event["type"] == kind {
			events = append(events, event)
		}
	}
	return events
}

func save(text string) providers.Call {
	return providers.Call{Name: "notes_save", Arguments: `{"text":"` + text + `","path":"a.txt"}`}
}

func open(address string) providers.Call {
	return providers.Call{Name: "page", Arguments: `{"url":"` + address + `"}`}
}

// sendAtOnce sends the same answers several times at once, and returns the closing
// event of the one that was accepted.
func (p *person) sendAtOnce(approval map[string]any, times int) (accepted map[string]any) {
	var all sync.WaitGroup
	others := make([]*person, times)
	for i := range others {
		others[i] = &person{t: p.t, agent: p.agent, runs: p.runs, messages: p.messages}
		all.Go(func() { others[i].send(approval) })
	}
	all.Wait()
	for _, other := range others {
		if last := other.events[len(other.events)-1]; last["type"] == "done" {
			if accepted != nil {
				p.t.Error("answers were accepted twice")
			}
			accepted, p.events, p.state = last, other.events, other.state
		}
	}
	return accepted
}
