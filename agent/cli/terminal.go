package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"agent.local/a0000000000000000/protocol"
)

const commands = "/reset clears the conversation, /quit ends it, Ctrl-C stops an answer."

// More messages than any agent remembers.
const maxHistory = 200

// terminal is one conversation with the agent.
type terminal struct {
	agent    protocol.Agent
	manifest protocol.Manifest
	out      io.Writer
	err      io.Writer
	history  []protocol.Message
	// state is that of the last answer, for the next request.
	state    string
	keyboard *keyboard
	// interactive is false in a pipe, which gets the answers only.
	interactive bool
}

func newTerminal(agent protocol.Agent, manifest protocol.Manifest, std stdio) *terminal {
	return &terminal{
		agent: agent, manifest: manifest, keyboard: newKeyboard(std.in), out: sanitized(std.out), err: sanitized(std.err),
		interactive: isTerminal(std.in) && isTerminal(std.out),
	}
}

func (t *terminal) run(ctx context.Context) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	t.hint("%s %s. %s\n", t.manifest.Name, t.manifest.Version, commands)
	for {
		t.hint("\n> ")
		select {
		case <-ctx.Done():
			return nil
		case <-interrupts:
			t.hint("\n")
			return nil
		case line := <-t.keyboard.next():
			t.keyboard.taken()
			if !line.open {
				return line.err
			}
			if quit := t.execute(ctx, line.text, interrupts); quit {
				return nil
			}
		}
	}
}

// execute runs a command, or asks the agent.
func (t *terminal) execute(ctx context.Context, line string, interrupts <-chan os.Signal) (quit bool) {
	switch line = strings.TrimSpace(line); line {
	case "":
	case "/quit", "/exit":
		return true
	case "/reset":
		t.history, t.state = nil, ""
		t.hint("The conversation starts anew.\n")
	case "/help":
		fmt.Fprintln(t.out, commands)
	default:
		t.answer(ctx, line, interrupts)
	}
	return false
}

// answer streams the reply to line. A failed question does not enter the
// history, so it can be repeated.
func (t *terminal) answer(ctx context.Context, line string, interrupts <-chan os.Signal) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	messages := append(t.history[:len(t.history):len(t.history)], protocol.Message{Role: "user", Content: line})
	done, err := t.converse(ctx, messages)
	fmt.Fprintln(t.out)
	if err != nil {
		fmt.Fprintf(t.err, "[%v]\n", err)
		return
	}
	switch done.Finish {
	case "length":
		t.hint("[the answer reached its length limit]\n")
	case "other":
		t.hint("[the answer may be incomplete: %s]\n", done.Reason)
	}
	t.history = append(messages, protocol.Message{Role: "assistant", Content: done.Text})
	t.history = t.history[max(0, len(t.history)-maxHistory):]
}

// hint prints what only a person needs.
func (t *terminal) hint(format string, args ...any) {
	if t.interactive {
		fmt.Fprintf(t.out, format, args...)
	}
}
