package cli

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

// A stopped server lets the answer in progress finish, and cancels it with an
// error event after the grace period.
func TestServeStops(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		grace time.Duration
		// What the visitor does after the stop.
		then func(leave func())
		want string
	}{
		{"visitor leaves", time.Minute, func(leave func()) { leave() }, ""},
		{"grace is over", time.Millisecond, func(func()) {}, `"code":"cancelled"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			agent := &agenttest.Agent{Waiting: make(chan struct{})}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- serveOn(ctx, leaving{}, listener, server.New(agent, protocol.Manifest{}, "", nil), test.grace)
			}()
			visit, leave := context.WithCancel(t.Context())
			defer leave()
			request, _ := http.NewRequestWithContext(visit, http.MethodPost, "http://"+listener.Addr().String()+"/chat", strings.NewReader(agenttest.Question("wait")))
			request.Header.Set("Content-Type", "application/json")
			go func() { <-agent.Waiting; stop() }()
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			reader := bufio.NewReader(response.Body)
			if line, _ := reader.ReadString('\n'); !strings.Contains(line, `"text":"wait"`) {
				t.Errorf("got %q", line)
			}
			test.then(leave)
			if rest, _ := io.ReadAll(reader); !strings.Contains(string(rest), test.want) {
				t.Errorf("the visitor saw %q", rest)
			}
			if err := <-ended; err != nil {
				t.Errorf("the server ended with %v", err)
			}
		})
	}
}

func TestWithLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0.0.0.0:8080": "0.0.0.0:8080", "[::]:1": "[::]:1", "host:1": "host:1",
	} {
		if got := withLoopback(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
