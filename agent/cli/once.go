package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

const maxRequest = 4 << 20

// ask puts one question and streams the answer to standard output.
func ask(ctx context.Context, agent Agent, text string, std streams) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	out := screen(std.out)
	_, err := converse(ctx, agent, []message{{Role: "user", Content: text}}, func(e event) error {
		if e.Type != "token" {
			return nil
		}
		_, err := io.WriteString(out, e.Text)
		return err
	})
	fmt.Fprintln(std.out)
	return err
}

// pipeRequest reads one request and writes its events as lines of JSON. An
// error event is a result like any other: the reader sees it, so the process
// itself succeeds unless it could not deliver.
func pipeRequest(ctx context.Context, agent Agent, std streams) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	request, err := io.ReadAll(io.LimitReader(std.in, maxRequest+1))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var undelivered error
	_ = agent.Handle(ctx, request, func(event []byte) error {
		_, undelivered = std.out.Write(append(event[:len(event):len(event)], '\n'))
		return undelivered
	})
	return undelivered
}
