package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

// More than any agent remembers.
const maxHistory = 200

// terminal is the conversation of one person with the agent.
type terminal struct {
	agent   Agent
	about   about
	out     io.Writer
	err     io.Writer
	in      io.Reader
	history []message
	// prompts is false in a pipe, where only answers are wanted.
	prompts bool
}

func newTerminal(agent Agent, about about, std streams) *terminal {
	return &terminal{
		agent: agent, about: about, in: std.in, out: screen(std.out), err: screen(std.err),
		prompts: isTerminal(std.in) && isTerminal(std.out),
	}
}

func (t *terminal) run(ctx context.Context) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	t.hint("%s %s. /reset forgets, /quit ends, Ctrl-C stops an answer.\n", t.about.Name, t.about.Version)
	lines, readError := t.readLines(ctx)
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
				return *readError
			}
			if quit := t.obey(ctx, line, interrupts); quit {
				return nil
			}
		}
	}
}

// readLines reads in the background, so that Ctrl-C is noticed at the prompt
// too. The error is set before the channel closes.
func (t *terminal) readLines(ctx context.Context) (<-chan string, *error) {
	lines := make(chan string)
	var failure error
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(t.in)
		scanner.Buffer(nil, maxRequest)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		failure = scanner.Err()
	}()
	return lines, &failure
}

func (t *terminal) obey(ctx context.Context, line string, interrupts <-chan os.Signal) (quit bool) {
	switch line = strings.TrimSpace(line); line {
	case "":
	case "/quit", "/exit":
		return true
	case "/reset":
		t.history = nil
		t.hint("Forgotten.\n")
	case "/help":
		fmt.Fprintln(t.out, "/reset forgets the conversation, /quit ends it, Ctrl-C stops an answer.")
	default:
		t.answer(ctx, line, interrupts)
	}
	return false
}

// answer streams the reply to line. A question that failed is not remembered,
// so that it can be asked again.
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
	messages := append(t.history[:len(t.history):len(t.history)], message{"user", line})
	done, err := converse(ctx, t.agent, messages, t.show)
	fmt.Fprintln(t.out)
	if err != nil {
		fmt.Fprintf(t.err, "[%v]\n", err)
		return
	}
	if done.Finish == "length" {
		t.hint("[the answer reached its length limit]\n")
	}
	t.history = append(messages, message{"assistant", done.Text})
	t.history = t.history[max(0, len(t.history)-maxHistory):]
}

func (t *terminal) show(e event) error {
	switch e.Type {
	case "token":
		_, err := io.WriteString(t.out, e.Text)
		return err
	case "tool_call":
		t.hint("[%s %s]\n", e.Name, e.Arguments)
	}
	return nil
}

func (t *terminal) hint(format string, args ...any) {
	if t.prompts {
		fmt.Fprintf(t.out, format, args...)
	}
}
