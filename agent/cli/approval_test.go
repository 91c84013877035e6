package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
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

// typist is a screen and a keyboard: once a question shows its word, it answers with lines
// in which CODE stands for it.
type typist struct {
	bytes.Buffer
	keys  *io.PipeWriter
	lines string
	code  string
}

var question = regexp.MustCompile(`Run it\? y ([a-z2-7]{3}): once`)

func (p *typist) Write(data []byte) (int, error) {
	if shown := question.FindSubmatch(data); shown != nil {
		p.code = string(shown[1])
		go func() { _, _ = io.WriteString(p.keys, strings.ReplaceAll(p.lines, "CODE", p.code)+"\n") }()
	}
	return p.Buffer.Write(data)
}

func TestTerminalAsks(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]protocol.Answer{
		"y CODE":                {ID: "a1", Answer: "once"},
		" Always  CODE":         {ID: "a1", Answer: "conversation"},
		"":                      {ID: "a1", Answer: "deny"},
		"no":                    {ID: "a1", Answer: "deny"},
		"n CODE":                {ID: "a1", Answer: "deny"},
		"use b instead":         {ID: "a1", Answer: "deny", Word: "use b instead"},
		"y 1":                   {ID: "a1", Answer: "deny", Word: "y 1"},
		"y\nyes\na\nn":          {ID: "a1", Answer: "deny"},
		"y\nYES CODE\ny":        {ID: "a1", Answer: "once"},
		"y\nsomething else\nno": {ID: "a1", Answer: "deny", Word: "something else"},
	} {
		in, keys := io.Pipe()
		agent, screen := &asking{}, &typist{keys: keys, lines: lines}
		terminal := newTerminal(agent, protocol.Manifest{}, stdio{in: in, out: screen, err: screen})
		terminal.interactive = true
		terminal.answer(t.Context(), "save", make(chan os.Signal))
		_ = in.Close()
		if len(agent.requests) != 2 || agent.requests[1].State != "s1" || fmt.Sprint(agent.requests[1].Answers) != fmt.Sprint([]protocol.Answer{want}) {
			t.Errorf("%q: %+v", lines, agent.requests)
		}
		if terminal.state != "s2" || !strings.Contains(screen.String(), `facts_save {"text":"x<U+202E>y"}`) || !strings.Contains(screen.String(), "(path a)") {
			t.Errorf("%q: %s", lines, screen)
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
