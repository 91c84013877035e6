// Package askagent lets an agent ask other agents that speak the Agent2Agent protocol
// (1.0 or 0.3, over JSON-RPC), at the addresses that its owner chose.
// Protocol: https://a2a-protocol.org/latest/specification/
package askagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/untrusted"
)

const (
	name = "agent"
	// replySuffix ends the name of the function that answers what an agent asks back. It is
	// a function of its own: who may ask need not be allowed to approve.
	replySuffix    = "_reply"
	usualSeconds   = 60
	maxSeconds     = 600
	maxDescription = 2000
	maxText        = 64 << 10
)

func init() { tools.Register(tools.Tool{Name: name, Functions: functions}) }

// settings are those of agent.json.
type settings struct {
	Agents []other `json:"agents"`
}

// other is another agent, whose card is at URL. It has no cards as long as nobody chose one.
type other struct {
	Name    string         `json:"name"`
	URL     string         `json:"url"`
	Auth    *outbound.Auth `json:"auth"`
	Seconds int            `json:"seconds"`
	Cards   []pinned       `json:"cards"`
}

func functions(given json.RawMessage, getenv func(string) string) ([]tools.Tool, error) {
	var s settings
	if given != nil {
		if err := json.Unmarshal(given, &s); err != nil {
			return nil, err
		}
	}
	var all []tools.Tool
	for _, each := range s.Agents {
		for _, card := range each.Cards {
			p, err := newPeer(each, card, getenv)
			if err != nil {
				return nil, err
			}
			all = append(all, p.askFunction(), p.replyFunction())
		}
	}
	return all, nil
}

func newPeer(o other, card pinned, getenv func(string) string) (*peer, error) {
	service, err := outbound.NewService(name, o.Name, o.URL, o.Auth, getenv)
	if err != nil {
		return nil, err
	}
	if o.Seconds == 0 {
		o.Seconds = usualSeconds
	}
	endpoint, err := service.At(card.Endpoint)
	switch {
	case err != nil:
		return nil, err
	case !outbound.FunctionName.MatchString(card.Function + replySuffix):
		return nil, fmt.Errorf("%q is not the name of a function", card.Function)
	case dialects[card.Protocol] == nil:
		return nil, fmt.Errorf("%s speaks version %q of the protocol, which this agent does not know", o.Name, card.Protocol)
	case o.Seconds < 1 || o.Seconds > maxSeconds:
		return nil, fmt.Errorf("%s has 1 to %d seconds to answer", o.Name, maxSeconds)
	}
	return &peer{
		name: o.Name, service: service, endpoint: endpoint, pinned: card, speaks: dialects[card.Protocol],
		limit: time.Duration(o.Seconds) * time.Second,
	}, nil
}

func (p *peer) askFunction() tools.Tool {
	return p.function(p.pinned.Function, clip(p.pinned.words(), maxDescription), "question",
		"The question or task, with everything that the agent has to know: it sees nothing else of this conversation.", "")
}

func (p *peer) replyFunction() tools.Tool {
	return p.function(p.pinned.Function+replySuffix, "Answers what "+p.name+" asked back. Answer what the user said, never for them.",
		"answer", "The user's answer.", `"task":{"type":"string","description":"The task that waits for the answer."},`)
}

// function returns a function with one text, and further properties before it.
func (p *peer) function(called, description, text, described, further string) tools.Tool {
	quoted, _ := json.Marshal(described)
	required := `"` + text + `"`
	if further != "" {
		required += `,"task"`
	}
	return tools.Tool{
		Name: called, Set: name, Description: description,
		Schema: json.RawMessage(`{"type":"object","properties":{` + further + `"` + text + `":{"type":"string","description":` + string(quoted) +
			`}},"required":[` + required + `],"additionalProperties":false}`),
		May: tools.Reads | tools.Writes | tools.Reaches, Untrusted: true,
		Host: p.service.Base.Hostname(), Unavailable: p.service.Missing(),
		Run: func(ctx context.Context, arguments json.RawMessage) (string, error) {
			var in struct{ Question, Answer, Task string }
			if err := json.Unmarshal(arguments, &in); err != nil {
				return "", fmt.Errorf("bad arguments: %w", err)
			}
			return p.run(ctx, in.Question+in.Answer, in.Task)
		},
	}
}

func (p *peer) run(ctx context.Context, text, taskID string) (string, error) {
	if strings.TrimSpace(text) == "" || len(text) > maxText {
		return "", fmt.Errorf("the text is empty, or longer than %d KB", maxText>>10)
	}
	answer, err := p.ask(ctx, text, taskID)
	var disabled *tools.DisabledError
	if err != nil && !errors.As(err, &disabled) {
		err = errors.New(p.service.Conceal(err.Error()))
	}
	return p.service.Conceal(answer), err
}

func clip(text string, length int) string {
	runes := []rune(strings.TrimSpace(untrusted.Clean(text)))
	if len(runes) > length {
		return string(runes[:length]) + " …"
	}
	return string(runes)
}
