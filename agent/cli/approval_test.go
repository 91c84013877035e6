package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"agent.local/a0000000000000000/protocol"
)

// asking is an agent whose first turn waits for an approval. It answers with what it
// was told of approvals.
type asking struct{ requests []protocol.Approval }

func (a *asking) Manifest() []byte {
	return []byte(`{"schema":1,"name":"Sample","limits":{"memory_mb":512}}`)
}

func (a *asking) Handle(_ context.Context, request []byte, emit func([]byte) error) error {
	var asked struct{ Approval protocol.Approval }
	if err := json.Unmarshal(request, &asked); err != nil {
		return err
	}
	a.requests = append(a.requests, asked.Approval)
	if asked.Approval.Ask && len(asked.Approval.Answers) == 0 {
		_ = emit(fmt.Appendf(nil, `{"type":"approval","id":"a1","tool":"facts_save","arguments":{"text":"x%sy"},`+
			`"reason":"It writes.","covers":"path a","expires":%q}`, "\u202e", time.Now().Add(time.Minute).Format(time.RFC3339)))
		return emit([]byte(`{"type":"done","finish":"approval","state":"s1"}`))
	}
	return emit([]byte(`{"type":"done","text":"ok","finish":"stop","state":"s2"}`))
}

func TestTerminalAsks(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]protocol.Answer{
		"y":             {ID: "a1", Answer: "once"},
		" Always ":      {ID: "a1", Answer: "conversation"},
		"":              {ID: "a1", Answer: "deny"},
		"no":            {ID: "a1", Answer: "deny"},
		"use b instead": {ID: "a1", Answer: "deny", Word: "use b instead"},
	} {
		agent, out := &asking{}, &bytes.Buffer{}
		terminal := newTerminal(agent, protocol.Manifest{}, stdio{in: strings.NewReader(line + "\n"), out: out, err: out})
		terminal.interactive = true
		terminal.lines, _ = terminal.readLines(t.Context())
		terminal.answer(t.Context(), "save", make(chan os.Signal))
		if len(agent.requests) != 2 || agent.requests[1].State != "s1" || fmt.Sprint(agent.requests[1].Answers) != fmt.Sprint([]protocol.Answer{want}) {
			t.Errorf("%q: %+v", line, agent.requests)
		}
		if terminal.state != "s2" || !strings.Contains(out.String(), `facts_save {"text":"x<U+202E>y"}`) || !strings.Contains(out.String(), "(path a)") {
			t.Errorf("%q: %s", line, out)
		}
	}
}

// In a pipe nobody can be asked.
func TestPipeDoesNotAsk(t *testing.T) {
	t.Parallel()
	agent, out := &asking{}, &bytes.Buffer{}
	newTerminal(agent, protocol.Manifest{}, stdio{out: out, err: out}).answer(t.Context(), "save", make(chan os.Signal))
	if len(agent.requests) != 1 || agent.requests[0].Ask {
		t.Errorf("%+v", agent.requests)
	}
}

func TestMessageApproves(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		"--message hi": "[]", "--message hi --approve facts --approve fetch": "[facts fetch]",
	} {
		agent := &asking{}
		program := Program{Name: "agent", Open: func(string) (protocol.Agent, error) { return agent, nil }}
		var out, errs bytes.Buffer
		if code := program.run(strings.Fields(arguments), stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != 0 {
			t.Errorf("%s: %d %s", arguments, code, errs.String())
		}
		if len(agent.requests) != 1 || agent.requests[0].Ask || fmt.Sprint(agent.requests[0].Allow) != want {
			t.Errorf("%s: %+v", arguments, agent.requests)
		}
	}
	program := Program{Name: "agent"}
	for _, arguments := range [][]string{{"--approve", "facts"}, {"--message", "hi", "--approve", " "}, {"--serve", "8080", "--approve", "facts"}} {
		if code := program.run(arguments, stdio{out: &bytes.Buffer{}, err: &bytes.Buffer{}}); code != exitUsage {
			t.Errorf("%v: %d", arguments, code)
		}
	}
}
