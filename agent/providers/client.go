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
	// Far more than any real answer; an endless one must not exhaust the memory.
	maxAnswer = 16 << 20
)

// client posts requests to one endpoint and converts failures to an *Error.
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
			// A redirect could send the key to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// post sends body as JSON and returns a 200 response, which the caller must close.
// Every failure other than the end of ctx is an *Error.
func (c *client) post(ctx context.Context, body any) (*answer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(encoded))
	if err != nil {
		return nil, &Error{Kind: Unreachable, Message: "the base URL is not valid"}
	}
	request.Header = c.header.Clone()
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.connectionError(ctx, "could not reach", err)
	}
	if response.StatusCode == http.StatusOK {
		return &answer{Response: response, client: c, ctx: ctx, left: maxAnswer}, nil
	}
	defer response.Body.Close()
	content, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	failure := statusError(response.StatusCode, response.Header.Get("Retry-After"), content)
	if response.StatusCode/100 == 3 {
		failure.Message = fmt.Sprintf("%s redirects to another address; set the base URL to that address", c.host())
	}
	return nil, failure
}

// connectionError returns the error of a failed connection. It does not contain
// the URL, since an overridden base URL may contain a password.
func (c *client) connectionError(ctx context.Context, action string, err error) error {
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
	return &Error{Kind: Unreachable, retryable: true, Message: truncate(fmt.Sprintf("%s %s: %v", action, c.host(), err))}
}

func (c *client) host() string {
	if u, err := url.Parse(c.url); err == nil && u.Host != "" {
		return u.Host
	}
	return "the provider"
}

// answer is a 200 response, of which it reads at most maxAnswer bytes.
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

// events passes every event to handle until handle reports that the answer is
// complete. A stream that ends before is an error.
func (a *answer) events(handle func(sse.Event) (complete bool, err error)) error {
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
			return a.client.connectionError(a.ctx, "lost the connection to", err)
		}
		if complete, err := handle(event); complete || err != nil {
			return err
		}
	}
}

// protocolError is the error for data that violates the protocol.
func (a *answer) protocolError(data string) error {
	return &Error{
		Kind:    Unreachable,
		Message: truncate(fmt.Sprintf("%s sent an invalid answer: %s", a.client.host(), plainText(strings.TrimSpace(data)))),
	}
}
