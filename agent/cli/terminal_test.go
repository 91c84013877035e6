package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

// Ctrl-C stops the answer and not the conversation.
func TestInterruptStopsTheAnswer(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{Waiting: make(chan struct{})}
	var out, errs bytes.Buffer
	terminal := newTerminal(agent, protocol.Manifest{}, stdio{out: &out, err: &errs})
	interrupts := make(chan os.Signal)
	go func() {
		<-agent.Waiting
		interrupts <- os.Interrupt
	}()
	terminal.answer(t.Context(), "wait", interrupts)
	terminal.answer(t.Context(), "on", interrupts)
	if out.String() != "wait\non\n" || errs.String() != "[because cancelled]\n" || len(terminal.history) != 2 {
		t.Errorf("out %q, err %q, history %v", out.String(), errs.String(), terminal.history)
	}
}

func TestTerminalEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	in, writer := io.Pipe()
	defer writer.Close()
	cancel()
	if err := newTerminal(&agenttest.Agent{}, protocol.Manifest{}, stdio{in: in, out: io.Discard, err: io.Discard}).run(ctx); err != nil {
		t.Error(err)
	}
}
