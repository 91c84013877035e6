package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"agent.local/a0000000000000000/sse"
)

const (
	maxErrorBody = 64 << 10
	// No honest answer is larger; an endless one must not fill the memory.
	maxAnswer = 16 << 20
)

// client posts requests of one protocol and types what goes wrong.
type client struct {
	url    string
	header http.Header
	http   *http.Client
}

func newClient(s Settings, path string, header http.Header) *client {
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "text/event-stream")
	header.Set("User-Agent", "AgentForge-agent/1")
	return &client{
		url:    s.BaseURL + path,
		header: header,
		http: &http.Client{
			Transport: s.Transport,
			// Following one could carry the key to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// post sends body as JSON and returns the body of a 200 answer, to be closed
// by the caller. Every failure that is not ctx's is an *Error.
func (c *client) post(ctx context.Context, body any) (*answer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(encoded))
	if err != nil {
		return nil, &Error{Kind: Unreachable, Message: "the base URL is not usable"}
	}
	request.Header = c.header.Clone()
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.broken(ctx, "could not reach", err)
	}
	if response.StatusCode == http.StatusOK {
		return &answer{Response: response, client: c, ctx: ctx, left: maxAnswer}, nil
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	failure := statusError(response.StatusCode, response.Header.Get("Retry-After"), said)
	if response.StatusCode/100 == 3 {
		failure.Message = fmt.Sprintf("%s redirects elsewhere; set the base URL to the final address", c.host())
	}
	return nil, failure
}

// broken types a failure of the connection. The URL stays out of the message,
// since an overridden base URL may hold a password.
func (c *client) broken(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var typed *Error
	if errors.As(err, &typed) {
		return typed
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &Error{Kind: Unreachable, again: true, Message: shorten(fmt.Sprintf("%s %s: %v", what, c.host(), err))}
}

func (c *client) host() string {
	if u, err := url.Parse(c.url); err == nil && u.Host != "" {
		return u.Host
	}
	return "the provider"
}

// answer reads a 200 answer, at most maxAnswer bytes of it.
type answer struct {
	*http.Response
	client *client
	ctx    context.Context
	left   int
}

func (a *answer) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, &Error{Kind: Unreachable, Message: "the answer is longer than 16 MiB"}
	}
	n, err := a.Body.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

func (a *answer) close() { _ = a.Body.Close() }

func (a *answer) isStream() bool {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return kind == "text/event-stream"
}

// events calls each for every event until it reports that the answer is whole.
// A stream that ends before is an error, whatever it looked like.
func (a *answer) events(each func(sse.Event) (whole bool, err error)) error {
	reader := sse.NewReader(a)
	for {
		event, err := reader.Next()
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = errors.New("the connection closed before the answer was complete")
		}
		if errors.Is(err, sse.ErrTooLong) {
			return &Error{Kind: Unreachable, Message: err.Error()}
		}
		if err != nil {
			return a.client.broken(a.ctx, "lost", err)
		}
		if whole, err := each(event); whole || err != nil {
			return err
		}
	}
}

// unreadable is the error for data that is not what the protocol says.
func (a *answer) unreadable(data string) error {
	return &Error{
		Kind:    Unreachable,
		Message: shorten(fmt.Sprintf("%s sent what is not an answer: %s", a.client.host(), plainText(strings.TrimSpace(data)))),
	}
}
