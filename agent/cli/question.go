package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"agent.local/a0000000000000000/protocol"
)

const maxRequest = 4 << 20

// answerQuestion asks the agent once and streams the answer to standard output.
func answerQuestion(ctx context.Context, agent protocol.Agent, text string, std stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	out := sanitized(std.out)
	request := protocol.EncodeRequest([]protocol.Message{{Role: "user", Content: text}})
	_, err := protocol.Handle(ctx, agent, request, func(e protocol.Event, _ []byte) error {
		if e.Type != "token" {
			return nil
		}
		_, err := io.WriteString(out, e.Text)
		return err
	})
	fmt.Fprintln(std.out)
	return err
}

// answerRequest reads one request and writes its events as lines of JSON. An
// error event is a result like any other, so it fails only if it cannot read
// the request or write an event.
func answerRequest(ctx context.Context, agent protocol.Agent, std stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	request, err := io.ReadAll(io.LimitReader(std.in, maxRequest+1))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var writeErr error
	_ = agent.Handle(ctx, request, func(event []byte) error {
		_, writeErr = std.out.Write(append(event[:len(event):len(event)], '\n'))
		return writeErr
	})
	return writeErr
}
