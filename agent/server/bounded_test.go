package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
)

// A slot is taken as long as its answer lasts, however the answer ends.
func TestBusy(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{Waiting: make(chan struct{})}
	server := newServer(t, agent, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	one, endOne := context.WithCancel(ctx)
	defer endOne()
	wait := func(ctx context.Context) {
		request := agenttest.NewRequest(t, "POST", server.URL+"/chat", agenttest.Question("wait")).WithContext(ctx)
		if response, err := http.DefaultClient.Do(request); err == nil {
			// Closing the body earlier would end the answer.
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	}
	for n := range MaxConcurrent {
		asker := ctx
		if n == 0 {
			asker = one
		}
		go wait(asker)
		<-agent.Waiting
	}
	response, body := ask(t, "POST", server.URL+"/v1/chat/completions", agenttest.Question("hi"))
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "5" || !strings.Contains(body, `"code":"busy"`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	inProgress := fmt.Sprintf("agent_answers_in_progress %d\n", MaxConcurrent)
	if _, text := ask(t, "GET", server.URL+"/metrics", ""); !strings.Contains(text, inProgress) {
		t.Errorf("metrics: %s", text)
	}
	endOne()
	// The server hears of it a moment later.
	for range 1000 {
		if response.StatusCode != 503 {
			break
		}
		response, body = ask(t, "POST", server.URL+"/v1/chat/completions", agenttest.Question("hi"))
	}
	if response.StatusCode != 200 {
		t.Errorf("after an answer ended: %d %s", response.StatusCode, body)
	}
}

func TestEndedAnswersFreeTheirSlots(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{}, "")
	for n := range MaxConcurrent + 1 {
		if response, body := ask(t, "POST", server.URL+"/v1/chat/completions", agenttest.Question("hi")); response.StatusCode != 200 {
			t.Fatalf("answer %d: %d %s", n, response.StatusCode, body)
		}
	}
}
