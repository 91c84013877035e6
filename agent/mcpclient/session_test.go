package mcpclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"agent.local/a0000000000000000/tools"
)

func TestNoticeOfChange(t *testing.T) {
	t.Parallel()
	p := &peer{sse: true, description: "Finds.", result: plainResult, notify: `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`}
	tool := connected(t, p)
	for _, change := range []string{"Finds.", "Deletes."} {
		p.mu.Lock()
		p.description = change
		p.mu.Unlock()
		_, err := tool.Run(t.Context(), json.RawMessage(`{}`))
		var disabled *tools.DisabledError
		if errors.As(err, &disabled) != (change == "Deletes.") {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestExpiryIsMendedOnce(t *testing.T) {
	t.Parallel()
	p := &peer{sessions: true, description: "Finds.", result: plainResult}
	late := make(chan struct{})
	ends := sync.OnceFunc(func() { close(late) })
	isFresh := func(session string) bool { return session == "s2" || session == "s3" }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		session := r.Header.Get("Mcp-Session-Id")
		if strings.Contains(string(body), "tools/call") && !isFresh(session) {
			if strings.Contains(string(body), "late") {
				<-late
			}
			http.Error(w, "gone", http.StatusNotFound)
			return
		}
		if isFresh(session) && strings.Contains(string(body), "tools/call") {
			ends()
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		p.ServeHTTP(w, r)
	}))
	defer server.Close()
	defer ends()
	s, err := HTTPServer{Name: "peer", URL: server.URL}.Connect(getenv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for _, arguments := range []string{`{"q":"late"}`, `{}`} {
		calls.Go(func() {
			if _, _, err := s.Client.call(t.Context(), "find.it", json.RawMessage(arguments), nil); err != nil {
				t.Error(arguments, err)
			}
		})
	}
	calls.Wait()
	if p.session != 2 {
		t.Errorf("%d sessions", p.session)
	}
}

func TestEndOfAProgramIsToldToAll(t *testing.T) {
	t.Parallel()
	conn := &stdioConn{command: os.Args[0], args: []string{"-test.run", "^$"}}
	p, err := conn.start()
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	for range 2 {
		if _, err := conn.start(); !errors.Is(err, errExpired) {
			t.Error(err)
		}
	}
	conn.forget()
	if _, err := conn.start(); err != nil {
		t.Error(err)
	}
}

func TestCancelIsTold(t *testing.T) {
	t.Parallel()
	told := make(chan string, 1)
	called := make(chan struct{})
	p := &peer{description: "Finds.", result: plainResult}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(string(body), "notifications/cancelled"):
			told <- string(body)
		case strings.Contains(string(body), "tools/call"):
			close(called)
			<-r.Context().Done()
		default:
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			p.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	s, err := HTTPServer{Name: "peer", URL: server.URL}.Connect(getenv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-called
		cancel(errors.New("enough"))
	}()
	if _, _, err := s.Client.call(ctx, "find.it", json.RawMessage(`{}`), nil); err == nil || err.Error() != "enough" {
		t.Error(err)
	}
	select {
	case body := <-told:
		if !strings.Contains(body, "requestId") {
			t.Error(body)
		}
	case <-time.After(time.Minute):
		t.Error("the server was not told")
	}
}

func TestQuestionsOfServersAreRefused(t *testing.T) {
	t.Parallel()
	const question = `{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"message":"Which?"}}`
	replies := make(chan string, 1)
	p := &peer{description: "Finds."}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(string(body), `"q1"`):
			replies <- string(body)
			w.WriteHeader(http.StatusAccepted)
		case strings.Contains(string(body), "tools/call"):
			var m struct{ ID json.RawMessage }
			_ = json.Unmarshal(body, &m)
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = fmt.Fprintf(w, "data: %s\n\n", question)
			_ = http.NewResponseController(w).Flush()
			select {
			case reply := <-replies:
				text, _ := json.Marshal(reply)
				_, _ = fmt.Fprintf(w, `data: {"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%s}]}}`+"\n\n", m.ID, text)
			case <-r.Context().Done():
			}
		default:
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			p.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	s, err := HTTPServer{Name: "peer", URL: server.URL}.Connect(getenv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	text, _, err := s.Client.call(ctx, "find.it", json.RawMessage(`{}`), nil)
	if err != nil || !strings.Contains(text, "-32601") || !strings.Contains(text, "does not offer elicitation/create") {
		t.Error(text, err)
	}
}
