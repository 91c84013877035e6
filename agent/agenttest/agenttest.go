// Package agenttest provides a fake agent, and requests to its server, for
// tests. It is part of no build.
package agenttest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"agent.local/a0000000000000000/protocol"
)

// Manifest is the manifest of an Agent that has no other.
const Manifest = `{"schema":1,"name":"Sample","handle":"sample","version":"1.0.0","limits":{"tool_rounds":1,"seconds":9,"memory_mb":512}}`

// Agent repeats the last message, word by word. These messages make it fail:
//
//	fail CODE  an error event with that code, before anything else
//	wait       one word, then an error event once the context ends
//	break      one word, then an error event
//	vanish     one word, then an error without an event
type Agent struct {
	// ManifestJSON replaces Manifest if it is not empty.
	ManifestJSON string
	// Waiting receives a value when the answer to "wait" has begun.
	Waiting chan struct{}

	mu       sync.Mutex
	requests []string
}

// Requests returns the requests so far.
func (a *Agent) Requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests
}

// Manifest returns ManifestJSON or the default manifest.
func (a *Agent) Manifest() []byte {
	if a.ManifestJSON != "" {
		return []byte(a.ManifestJSON)
	}
	return []byte(Manifest)
}

// Handle answers as the type describes.
func (a *Agent) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	a.mu.Lock()
	a.requests = append(a.requests, string(request))
	a.mu.Unlock()
	var r struct{ Messages []protocol.Message }
	if json.Unmarshal(request, &r) != nil || len(r.Messages) == 0 {
		return fail(emit, "bad_request")
	}
	text := r.Messages[len(r.Messages)-1].Content
	if code, ok := strings.CutPrefix(text, "fail "); ok {
		return fail(emit, code)
	}
	for _, word := range strings.SplitAfter(text, " ") {
		if err := send(emit, map[string]any{"type": "token", "text": word}); err != nil {
			return err
		}
	}
	switch text {
	case "wait":
		a.Waiting <- struct{}{}
		<-ctx.Done()
		return fail(emit, "cancelled")
	case "break":
		return fail(emit, "provider_unreachable")
	case "vanish":
		return errors.New("vanished")
	}
	_ = send(emit, map[string]any{"type": "usage", "input_tokens": 3, "output_tokens": 2})
	return send(emit, map[string]any{"type": "done", "text": text, "finish": "stop", "rounds": 1})
}

func send(emit func([]byte) error, event any) error {
	encoded, _ := json.Marshal(event)
	return emit(encoded)
}

func fail(emit func([]byte) error, code string) error {
	if err := send(emit, map[string]any{"type": "error", "code": code, "message": "because " + code}); err != nil {
		return err
	}
	return errors.New("because " + code)
}

// Question returns a request with one message.
func Question(text string) string {
	return string(protocol.EncodeRequest([]protocol.Message{{Role: "user", Content: text}}))
}

// NewRequest returns a JSON request with more headers, given as names and
// values. A header Host sets the request's host.
func NewRequest(t *testing.T, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Content-Type" {
			request.Header.Set(headers[i], headers[i+1])
			continue
		}
		request.Header.Add(headers[i], headers[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	return request
}
