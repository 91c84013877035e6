package providers

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testKey = "sk-test-0123456789abcdef"

// reply is one scripted answer of a stand-in for a model server.
type reply struct {
	status int
	kind   string
	header map[string]string
	body   string
	// cut closes the connection before the body ends.
	cut bool
}

func stream(lines ...string) reply {
	return reply{kind: "text/event-stream", body: strings.Join(lines, "\n\n") + "\n\n"}
}

func problem(status int, body string) reply {
	return reply{status: status, kind: "application/json", body: body}
}

// standIn sends its replies in order and records the requests.
type standIn struct {
	*httptest.Server
	mu       sync.Mutex
	replies  []reply
	requests []map[string]any
	headers  []http.Header
	paths    []string
}

func serveReplies(t *testing.T, replies ...reply) *standIn {
	t.Helper()
	s := &standIn{replies: replies}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, _ := io.ReadAll(r.Body)
	var request map[string]any
	_ = json.Unmarshal(raw, &request)
	s.requests = append(s.requests, request)
	s.headers = append(s.headers, r.Header)
	s.paths = append(s.paths, r.URL.Path)
	if len(s.replies) == 0 {
		http.Error(w, "no more replies", http.StatusTeapot)
		return
	}
	next := s.replies[0]
	s.replies = s.replies[1:]
	w.Header().Set("Content-Type", next.kind)
	for name, value := range next.header {
		w.Header().Set(name, value)
	}
	if next.status != 0 {
		w.WriteHeader(next.status)
	}
	_, _ = io.WriteString(w, next.body)
	if next.cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (s *standIn) provider(t *testing.T, api string) Provider {
	t.Helper()
	p, err := New(api, Settings{BaseURL: s.URL + "/", Key: testKey + "\n", Model: "m", RetryPause: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run sends one request and returns the streamed text.
func run(t *testing.T, p Provider, request Request) (string, Reply, error) {
	t.Helper()
	var text strings.Builder
	reply, err := p.Stream(t.Context(), request, func(piece string) error {
		text.WriteString(piece)
		return nil
	})
	return text.String(), reply, err
}

func question(text string) Request {
	return Request{System: "be brief", Messages: []Message{{Role: User, Text: text}}, Temperature: 0.5, MaxTokens: 9}
}

func typed(t *testing.T, err error) *Error {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("not an *Error: %v", err)
	}
	return failure
}
