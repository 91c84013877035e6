package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"agent.local/a0000000000000000/images"
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
	in       io.Reader
	history  []protocol.Message
	// state is that of the last answer, for the next request.
	state string
	lines <-chan string
	// interactive is false in a pipe, which gets the answers only.
	interactive bool
}

func newTerminal(agent protocol.Agent, manifest protocol.Manifest, std stdio) *terminal {
	return &terminal{
		agent: agent, manifest: manifest, in: std.in, out: sanitized(std.out), err: sanitized(std.err),
		interactive: isTerminal(std.in) && isTerminal(std.out),
	}
}

func (t *terminal) run(ctx context.Context) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	t.hint("%s %s. %s\n", t.manifest.Name, t.manifest.Version, commands)
	lines, readErr := t.readLines(ctx)
	t.lines = lines
	for {
		t.hint("\n> ")
		select {
		case <-ctx.Done():
			return nil
		case <-interrupts:
			t.hint("\n")
			return nil
		case line, open := <-lines:
			if !open {
				return *readErr
			}
			if quit := t.execute(ctx, line, interrupts); quit {
				return nil
			}
		}
	}
}

// readLines reads in the background, so that Ctrl-C works at the prompt too. The
// error is set before the channel closes.
func (t *terminal) readLines(ctx context.Context) (<-chan string, *error) {
	lines := make(chan string)
	var readErr error
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(t.in)
		scanner.Buffer(nil, images.MaxRequest)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		readErr = scanner.Err()
	}()
	return lines, &readErr
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
