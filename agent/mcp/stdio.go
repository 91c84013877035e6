package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

const maxLine = 4 << 20

// The session of a client at standard input, which is the only one.
const ownSession = "stdio"

// Serve answers the requests in in, one a line, until it ends. Then it waits for the
// answers in progress.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listening, hangUp := context.WithCancel(ctx)
	defer hangUp()
	client := &stdioClient{server: s, out: out, listening: listening}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	ended := make(chan error, 1)
	go func() {
		for lines.Scan() {
			client.take(ctx, append([]byte{}, lines.Bytes()...))
		}
		hangUp()
		client.answering.Wait()
		ended <- lines.Err()
	}()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
		return nil
	case <-ctx.Done():
		return nil
	}
}

type stdioClient struct {
	server *Server
	out    io.Writer
	// listening ends when the client sends nothing more, so that nothing can be asked.
	listening context.Context
	// hasForms is set if the client said that it shows forms.
	hasForms  bool
	mu        sync.Mutex
	answering sync.WaitGroup
}

// take answers one message, in the background.
func (c *stdioClient) take(ctx context.Context, line []byte) {
	if len(line) == 0 {
		return
	}
	asked, err := parse(line)
	switch {
	case err != nil:
		_ = c.write(asked.answer(nil, err.(*failure)))
	case asked.Method == "notifications/cancelled":
		c.server.running.cancel(ownSession, asked.Params.RequestID)
	case asked.isResponse():
		c.server.asked.deliver(ownSession, asked)
	case asked.isNotification():
	default:
		c.hasForms = c.hasForms || asked.elicits()
		from := c.peer()
		// Registered here, so that a cancellation in the next line finds it.
		started, end := c.server.running.begin(ctx, ownSession, asked.ID)
		c.answering.Go(func() {
			defer end()
			c.answer(started, asked, from)
		})
	}
}

func (c *stdioClient) peer() peer {
	from := peer{notify: func(method string, params any) error {
		return c.write(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	}}
	if c.hasForms {
		from.ask = func(ctx context.Context, method string, params any) (json.RawMessage, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(c.listening, cancel)()
			return c.server.asked.ask(ctx, ownSession, method, params, c.write)
		}
	}
	return from
}

func (c *stdioClient) answer(ctx context.Context, asked request, from peer) {
	result, err := c.server.answer(ctx, asked, from)
	if ctx.Err() == nil {
		_ = c.write(asked.answer(result, err))
	}
}

func (c *stdioClient) write(message any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.out.Write(append(encode(message), '\n'))
	return err
}
