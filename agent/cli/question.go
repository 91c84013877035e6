package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/signal"

	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/protocol"
)

// question returns the request of --message.
func (o options) question(manifest protocol.Manifest) ([]byte, error) {
	message := protocol.Message{Role: "user", Content: o.message}
	if len(o.images) > 0 && !manifest.Knows("images") {
		return nil, images.ErrNotTaken
	}
	for _, path := range o.images {
		image, err := readImage(path)
		if err != nil {
			return nil, fmt.Errorf("--image: %w", err)
		}
		message.Images = append(message.Images, image)
	}
	request := protocol.Request{Messages: []protocol.Message{message}}
	if len(o.approve) > 0 {
		request.Approval = &protocol.Approval{Allow: o.approve}
	}
	return request.Encode(), nil
}

// readImage reads no more of a file than an image may have.
func readImage(path string) (protocol.Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return protocol.Image{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, images.MaxBytes+1))
	if err != nil {
		return protocol.Image{}, err
	}
	if _, err := images.MediaType(data); err != nil {
		return protocol.Image{}, fmt.Errorf("%s: %w", path, err)
	}
	return protocol.Image{Data: base64.StdEncoding.EncodeToString(data)}, nil
}

// answerQuestion asks the agent once and streams the answer to standard output. Nobody
// is asked about calls: those that were not approved beforehand are refused.
func answerQuestion(ctx context.Context, agent protocol.Agent, request []byte, std stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	out := sanitized(std.out)
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
	request, err := io.ReadAll(io.LimitReader(std.in, images.MaxRequest+1))
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
