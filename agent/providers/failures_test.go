package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The outcome of each failure, and the number of requests.
func TestFailures(t *testing.T) {
	t.Parallel()
	bad := func(status int, body string) []reply { return []reply{problem(status, body), problem(status, body)} }
	event := func(body string) reply { return reply{kind: "text/event-stream", body: body} }
	tests := []struct {
		name     string
		replies  []reply
		kind     Kind
		status   int
		message  string
		attempts int
	}{
		{"bad key", bad(401, `{"error":{"message":"Incorrect API key provided: `+testKey+`.","code":"invalid_api_key"}}`),
			Refused, 401, "Incorrect API key provided: [key removed].", 1},
		{"no credit", bad(402, `{"error":{"message":"Insufficient Balance"}}`), Refused, 402, "Insufficient Balance", 1},
		{"forbidden", bad(403, `{"error":"no access"}`), Refused, 403, "no access", 1},
		{"model missing", bad(404, `{"detail":"model not found"}`), Refused, 404, "model not found", 1},
		{"rate limit", bad(429, `{"error":{"message":"slow down"}}`), RateLimited, 429, "slow down", 2},
		{"exhausted", bad(429, `{"error":{"message":"quota","code":"insufficient_quota"}}`), RateLimited, 429, "quota", 1},
		{"server error", bad(500, `{"message":"oops"}`), Unreachable, 500, "oops", 2},
		{"overloaded", bad(529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`), Unreachable, 529, "Overloaded", 2},
		{"gateway in HTML", bad(502, "<html><head><title>502 Bad Gateway</title><style>x{}</style></head><body><h1>Bad &amp; broken</h1></body></html>"),
			Unreachable, 502, "502 Bad Gateway Bad & broken", 2},
		{"empty body", bad(503, ""), Unreachable, 503, "the provider answered 503 without a message", 2},
		{"Google's list", bad(400, `[{"error":{"code":400,"message":"API key not valid"}}]`), Refused, 400, "API key not valid", 1},
		{"redirect", []reply{{status: 307, header: map[string]string{"Location": "https://example.com/"}}}, Refused, 307, "redirects to another address", 1},
		{"HTML for an answer", []reply{{kind: "text/html", body: "<title>Login</title>"}}, Unreachable, 0, "sent an invalid answer: Login", 1},
		{"JSON for an answer", []reply{{kind: "application/json", body: `{"ok":true}`}}, Unreachable, 0, "sent an invalid answer", 1},
		{"bad JSON in the stream", []reply{stream("data: {nope")}, Unreachable, 0, "sent an invalid answer: {nope", 1},
		{"error in the stream", []reply{stream(`data: {"error":{"message":"ctx too long","type":"invalid_request_error"}}`)}, Refused, 0, "ctx too long", 1},
		{"cut in a line", []reply{event(delta("Hi") + "\n\ndata: {\"cho")}, Unreachable, 0, "closed before the answer was complete", 1},
		{"cut connection", []reply{{kind: "text/event-stream", body: delta("Hi") + "\n\n", cut: true}}, Unreachable, 0, "", 1},
		{"cut before any text", []reply{event("data: {\"cho"), event("data: {\"cho")}, Unreachable, 0, "closed before", 2},
		{"huge line", []reply{event("data: " + strings.Repeat("x", 2<<20))}, Unreachable, 0, "longer than 1 MiB", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, test.replies...)
			_, _, err := run(t, server.provider(t, "openai"), question("hi"))
			failure := typed(t, err)
			if failure.Kind != test.kind || failure.Status != test.status || !strings.Contains(failure.Message, test.message) {
				t.Errorf("got %s %d %q", failure.Kind, failure.Status, failure.Message)
			}
			if len(server.requests) != test.attempts {
				t.Errorf("%d requests, want %d", len(server.requests), test.attempts)
			}
		})
	}
}

func TestAnswerIsLimited(t *testing.T) {
	t.Parallel()
	endless := &answer{Response: &http.Response{Body: io.NopCloser(strings.NewReader("0123456789"))}, left: 4}
	read, err := io.ReadAll(endless)
	if failure := typed(t, err); string(read) != "0123" || !strings.Contains(failure.Message, "longer than 16 MiB") {
		t.Errorf("read %q, %v", read, err)
	}
}

func TestSecondAttemptAnswers(t *testing.T) {
	t.Parallel()
	good := stream(delta("Hi"), chatStop, chatDone)
	for name, first := range map[string]reply{
		"429":       {status: 429, header: map[string]string{"Retry-After": "0.001"}},
		"503":       problem(503, ""),
		"cut early": {kind: "text/event-stream", cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, first, good)
			text, _, err := run(t, server.provider(t, "openai"), question("hi"))
			if err != nil || text != "Hi" {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

func TestLongPauseIsNotAwaited(t *testing.T) {
	t.Parallel()
	server := serveReplies(t, reply{status: 429, header: map[string]string{"Retry-After": "60"}})
	_, _, err := run(t, server.provider(t, "openai"), question("hi"))
	if typed(t, err).Kind != RateLimited || len(server.requests) != 1 {
		t.Errorf("%v after %d requests", err, len(server.requests))
	}
}

func TestServerWithoutTools(t *testing.T) {
	t.Parallel()
	request := question("hi")
	request.Functions = []Function{{Name: "clock", Schema: json.RawMessage(`{}`)}}
	for _, refusal := range []reply{
		problem(400, `{"error":{"message":"this model does not support tools"}}`),
		problem(500, `{"error":{"message":"tools param requires --jinja flag"}}`),
	} {
		for _, api := range []string{"openai", "anthropic"} {
			server := serveReplies(t, refusal, refusal)
			_, _, err := run(t, server.provider(t, api), request)
			failure := typed(t, err)
			if failure.Kind != Refused || !strings.Contains(failure.Message, "build the agent without tools") || len(server.requests) != 1 {
				t.Errorf("%d requests: %s %v", len(server.requests), failure.Kind, failure)
			}
		}
	}
}

func TestCancelledInMidStream(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, delta("Hi")+"\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(released)
	}))
	defer server.Close()
	p, err := New("openai", Settings{BaseURL: server.URL, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	_, err = p.Stream(ctx, question("hi"), func(string) error {
		cancel(cause)
		return nil
	})
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	<-released
}

func TestOnTextFails(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	for api, lines := range map[string][]string{
		"openai":    {delta("Hi"), delta("there"), chatStop, chatDone},
		"anthropic": {textStart, textDelta("Hi"), messageStop},
	} {
		server := serveReplies(t, stream(lines...))
		_, err := server.provider(t, api).Stream(t.Context(), question("hi"), func(string) error { return gone })
		if !errors.Is(err, gone) || len(server.requests) != 1 {
			t.Errorf("%s: %v", api, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	p, err := New("openai", Settings{BaseURL: "http://user:hidden-password@" + address, Model: "m", RetryPause: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = run(t, p, question("hi"))
	failure := typed(t, err)
	if failure.Kind != Unreachable || strings.Contains(failure.Message, "hidden") || !strings.Contains(failure.Message, address) {
		t.Errorf("got %s %q", failure.Kind, failure.Message)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New("telepathy", Settings{}); err == nil {
		t.Error("an unknown API was accepted")
	}
	for _, key := range []string{"sk-a\nb", "sk-ä", "sk a"} {
		_, err := New("openai", Settings{Key: key})
		if failure := typed(t, err); failure.Kind != NoKey || strings.Contains(failure.Message, key) {
			t.Errorf("%q: %v", key, err)
		}
	}
}
