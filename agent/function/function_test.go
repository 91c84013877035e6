package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	bundle "agent.local/a0000000000000000"
	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/webchat"
)

// platform is a stand-in for Lambda: it hands out events and records the answers.
type platform struct {
	events chan string
	got    chan [2]string
}

func newPlatform(t *testing.T, events ...string) (*platform, string) {
	t.Helper()
	p := &platform{events: make(chan string, len(events)), got: make(chan [2]string, len(events)+1)}
	for _, e := range events {
		p.events <- e
	}
	close(p.events)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, _ *http.Request) {
		e, ok := <-p.events
		if !ok {
			w.WriteHeader(http.StatusGone)
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "one")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", "99999999999999")
		_, _ = io.WriteString(w, e)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.got <- [2]string{strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime"), string(body)}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return p, strings.TrimPrefix(server.URL, "http://")
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Sign")+" "+string(body))
	w.(http.Flusher).Flush()
}

// counter counts calls.
type counter int

func (c *counter) count(context.Context) { *c++ }

func ignore(context.Context) {}

func noVariables(string) string { return "" }

func startEcho() (answerer, error) {
	return gateway{http.HandlerFunc(echo), newRegisters(noVariables)}.answer, nil
}

func TestServe(t *testing.T) {
	t.Parallel()
	p, api := newPlatform(t,
		`{"httpMethod":"POST","path":"/.netlify/functions/agent/chat","headers":{"x-sign":"a"},"rawQuery":"q=1","body":"hi"}`,
		`{"httpMethod":"GET","path":"/chat","multiValueHeaders":{"x-sign":["b"]},"queryStringParameters":{"q":"2"},"body":null}`,
		`{"httpMethod":"POST","path":"/.netlify/functions/agent","body":"aGk=","isBase64Encoded":true}`,
		`[]`,
	)
	var flushed counter
	if err := serve(t.Context(), api, startEcho, flushed.count); err == nil || !strings.Contains(err.Error(), "410") {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{"POST /chat?q=1 a hi", "GET /chat?q=2 b ", "POST /  hi"} {
		got := <-p.got
		var a answer
		if err := json.Unmarshal([]byte(got[1]), &a); err != nil || got[0] != "/invocation/one/response" {
			t.Fatalf("got %v, %v", got, err)
		}
		if a.Body != want || a.StatusCode != 202 || a.Headers["Content-Type"] != "text/plain" {
			t.Errorf("got %+v, want %q", a, want)
		}
	}
	if flushed != 3 {
		t.Errorf("flushed %d times after 3 answers", flushed)
	}
	if got := <-p.got; got[0] != "/invocation/one/error" || !strings.Contains(got[1], "errorMessage") {
		t.Errorf("got %v", got)
	}
}

func TestFailedStartIsReported(t *testing.T) {
	t.Parallel()
	p, api := newPlatform(t)
	failure := errors.New("no such agent")
	if err := serve(t.Context(), api, func() (answerer, error) { return nil, failure }, ignore); !errors.Is(err, failure) {
		t.Errorf("ended with %v", err)
	}
	if got := <-p.got; got[0] != "/init/error" || !strings.Contains(got[1], "no such agent") {
		t.Errorf("got %v", got)
	}
	if err := serve(t.Context(), "", startEcho, ignore); err == nil {
		t.Error("ran without a platform")
	}
}

func TestBinaryAnswer(t *testing.T) {
	t.Parallel()
	g := gateway{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff}) }), newRegisters(noVariables)}
	raw, err := g.answer(t.Context(), []byte(`{"httpMethod":"GET","path":"/"}`))
	if err != nil || !strings.Contains(string(raw), `"body":"/w==","isBase64Encoded":true`) {
		t.Errorf("%s %v", raw, err)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := withDeadline(context.Background(), "1000")
	defer cancel()
	if at, ok := ctx.Deadline(); !ok || !at.Equal(time.UnixMilli(500)) {
		t.Errorf("deadline %v", at)
	}
}

func TestAgent(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-none")
	answer, err := start()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := answer(t.Context(), []byte(`{"httpMethod":"POST","path":"/chat","headers":{"content-type":"application/json"},"body":"{}"}`))
	if err != nil || !strings.Contains(string(raw), `"statusCode":400`) || !strings.Contains(string(raw), "bad_request") {
		t.Errorf("%s %v", raw, err)
	}
	raw, err = answer(t.Context(), []byte(`{"httpMethod":"GET","path":"/v1/models"}`))
	if err != nil || !strings.Contains(string(raw), "sample-agent") {
		t.Errorf("%s %v", raw, err)
	}
}

// talkingAgent streams two words.
type talkingAgent struct{ bundle.Agent }

func (talkingAgent) Handle(_ context.Context, _ []byte, emit func([]byte) error) error {
	for _, each := range []string{`{"type":"token","text":"Hello "}`, `{"type":"token","text":"there"}`, `{"type":"done","text":""}`} {
		if err := emit([]byte(each)); err != nil {
			return err
		}
	}
	return nil
}

// The platform does not stream: a page's stream is sent as a whole.
func TestStream(t *testing.T) {
	t.Parallel()
	gate, err := auth.NewGate(func(string) string { return "" }, auth.NetlifyAddress)
	if err != nil {
		t.Fatal(err)
	}
	g := gateway{gate.Guard(webchat.Handler(talkingAgent{}, protocol.Manifest{}, gate.Sealer()), http.HandlerFunc(echo)), newRegisters(noVariables)}
	raw, err := g.answer(t.Context(), []byte(`{"httpMethod":"POST","path":"/api/ask",`+
		`"headers":{"content-type":"application/json","accept":"text/event-stream"},"body":"{\"message\":\"hi\"}"}`))
	if err != nil {
		t.Fatal(err)
	}
	var got answer
	if err := json.Unmarshal(raw, &got); err != nil || got.StatusCode != 200 || got.Headers["Content-Type"] != "text/event-stream" {
		t.Fatalf("%s, %v", raw, err)
	}
	for _, want := range []string{`data: {"type":"token","text":"Hello "}`, `data: {"type":"token","text":"there"}`, `"text":"Hello there","type":"done"`} {
		if !strings.Contains(got.Body, want) {
			t.Errorf("no %s in %s", want, got.Body)
		}
	}
}
