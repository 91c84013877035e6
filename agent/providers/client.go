package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"agent.local/a0000000000000000/telemetry"
)

const maxErrorBody = 64 << 10

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

// post sends body as JSON and returns a successful response, which the caller must close.
// Every failure other than the end of ctx is an *Error.
func (c *client) post(ctx context.Context, body any) (*answer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	inner, cancel := context.WithCancel(ctx)
	request, err := http.NewRequestWithContext(inner, http.MethodPost, c.url, bytes.NewReader(encoded))
	if err != nil {
		cancel()
		return nil, &Error{Kind: Unreachable, Message: "the base URL is not valid"}
	}
	request.Header = c.header.Clone()
	telemetry.Inject(ctx, request.Header)
	response, err := c.http.Do(request)
	if err != nil {
		cancel()
		return nil, c.connectionError(ctx, "could not reach", err)
	}
	if response.StatusCode/100 == 2 {
		return &answer{Response: response, client: c, ctx: ctx, cancel: cancel, left: maxAnswer}, nil
	}
	defer cancel()
	defer response.Body.Close()
	content, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	failure := statusError(response.StatusCode, response.Header, content)
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
