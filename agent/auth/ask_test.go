package auth

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// scriptedAgent sends events; at "wait" it says that it began, and goes on
// when it is told to or its context ends.
type scriptedAgent struct {
	began, goOn chan struct{}
	ended       chan error
}

func newScriptedAgent() scriptedAgent {
	return scriptedAgent{began: make(chan struct{}, 100), goOn: make(chan struct{}), ended: make(chan error, 100)}
}

func (scriptedAgent) Manifest() []byte { return []byte("{}") }

const (
	wordEvent   = `{"type":"token","text":"Grüße "}`
	callEvent   = `{"type":"tool_call","id":"1","name":"clock","arguments":{}}`
	resultEvent = `{"type":"tool_result","id":"1","name":"clock","result":"now","error":false,"ms":1}`
	usageEvent  = `{"type":"usage","input_tokens":1,"output_tokens":2}`
	errorEvent  = `{"type":"error","code":"provider_unreachable","message":"gone"}`
	doneEvent   = `{"type":"done","text":"Grüße an alle","rounds":1,"ms":2,"finish":"stop"}`
)

func (s scriptedAgent) Handle(ctx context.Context, request []byte, emit func([]byte) error) (err error) {
	defer func() { s.ended <- err }()
	var given struct{ Messages []message }
	if err := json.Unmarshal(request, &given); err != nil {
		return err
	}
	for line := range strings.Lines(given.Messages[len(given.Messages)-1].Content) {
		switch line = strings.TrimSpace(line); line {
		case "wait":
			s.began <- struct{}{}
			select {
			case <-s.goOn:
			case <-ctx.Done():
				return ctx.Err()
			}
		case "vanish":
			return errors.New("vanished")
		default:
			if err := emit([]byte(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

func serving(t *testing.T, agent scriptedAgent) *httptest.Server {
	t.Helper()
	door, err := NewDoor(reading(map[string]string{"AGENT_STATE_KEY": stateKey}), Behind(0))
	if err != nil {
		t.Fatal(err)
	}
	door.limits.questions.most = 1000
	server := httptest.NewServer(door.Guard(agent, http.NotFoundHandler()))
	t.Cleanup(server.Close)
	return server
}

func asking(ctx context.Context, url, accept string, fields map[string]string) (*http.Response, error) {
	body, _ := json.Marshal(fields)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/ask", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	return http.DefaultClient.Do(request)
}

func script(lines ...string) map[string]string {
	return map[string]string{"message": strings.Join(lines, "\n")}
}

const stream = "text/event-stream"

func TestAnswersAreStreamed(t *testing.T) {
	server := serving(t, newScriptedAgent())
	tests := []struct {
		name, accept string
		fields       map[string]string
		status       int
		kind         string
		// Of a stream: its events, the state aside. Else a part of the answer.
		want []string
	}{
		{"words and tools", stream, script(wordEvent, callEvent, resultEvent, usageEvent, doneEvent), 200, stream,
			[]string{wordEvent, callEvent, resultEvent, `{"state":"…","text":"Grüße an alle","type":"done"}`}},
		{"asked among others", "text/event-stream, application/json;q=0.5", script(doneEvent), 200, stream,
			[]string{`{"state":"…","text":"Grüße an alle","type":"done"}`}},
		{"error in the middle", stream, script(wordEvent, errorEvent), 200, stream,
			[]string{wordEvent, `{"code":"provider_unreachable","message":"gone","type":"error"}`}},
		{"end in the middle", stream, script(wordEvent, "vanish"), 200, stream,
			[]string{wordEvent, `{"code":"internal","message":"vanished","type":"error"}`}},
		{"error first", stream, script(errorEvent), 502, "application/json", []string{`"code":"provider_unreachable"`}},
		{"nothing", stream, script("vanish"), 502, "application/json", []string{`"message":"vanished"`}},
		{"empty question", stream, script(" "), 422, "application/json", []string{"1 to 8000 characters"}},
		{"unknown state", stream, map[string]string{"message": "x", "state": "x.y"}, 409, "application/json", []string{`"unknown_state"`}},
		{"JSON by default", "", script(wordEvent, doneEvent), 200, "application/json", []string{`"text":"Grüße an alle"`}},
		{"JSON for everything", "*/*", script(doneEvent), 200, "application/json", []string{`"state":"`}},
		{"JSON, error in the middle", "", script(wordEvent, errorEvent), 502, "application/json", []string{`"message":"gone"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			response, err := asking(t.Context(), server.URL, test.accept, test.fields)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != test.kind {
				t.Fatalf("%d %s %s", response.StatusCode, response.Header.Get("Content-Type"), body)
			}
			if test.kind != stream && !strings.Contains(string(body), test.want[0]) {
				t.Errorf("got %s", body)
			}
			if got := eventsOf(string(body)); test.kind == stream && !slices.Equal(got, test.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// eventsOf returns the data of a stream's events, without the states.
func eventsOf(body string) []string {
	var found []string
	for event := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		data := strings.TrimPrefix(event, "data: ")
		if before, after, ok := strings.Cut(data, `{"state":"`); ok {
			_, rest, _ := strings.Cut(after, `"`)
			data = before + `{"state":"…"` + rest
		}
		found = append(found, data)
	}
	return found
}

func TestAStreamEndsWithTheState(t *testing.T) {
	agent := newScriptedAgent()
	server := serving(t, agent)
	response, err := asking(t.Context(), server.URL, stream, script(wordEvent, "wait", doneEvent))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	// The first word is here before the agent goes on.
	if line, err := reader.ReadString('\n'); err != nil || line != "data: "+wordEvent+"\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	close(agent.goOn)
	rest, _ := io.ReadAll(reader)
	var done struct{ State string }
	_, data, _ := strings.Cut(string(rest), "data: ")
	if err := json.Unmarshal([]byte(data), &done); err != nil || done.State == "" {
		t.Fatalf("got %q, %v", rest, err)
	}
	s, _ := newSealer(stateKey)
	messages, err := s.conversation(done.State)
	if err != nil || len(messages) != 2 || messages[1].Content != "Grüße an alle" {
		t.Errorf("the state holds %v, %v", messages, err)
	}
}

// A visitor who leaves costs nothing more.
func TestAVisitorWhoLeavesStopsTheAgent(t *testing.T) {
	for _, accept := range []string{stream, ""} {
		agent := newScriptedAgent()
		server := serving(t, agent)
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if response, err := asking(ctx, server.URL, accept, script(wordEvent, "wait", doneEvent)); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		}()
		<-agent.began
		leave()
		if err := <-agent.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%q: the agent ended with %v", accept, err)
		}
		<-gone
	}
}

func TestMoreThanAnAgentCanAnswerIsRefused(t *testing.T) {
	agent := newScriptedAgent()
	server := serving(t, agent)
	done := make(chan int, maxConcurrent)
	for range maxConcurrent {
		go func() {
			response, err := asking(t.Context(), server.URL, stream, script("wait", doneEvent))
			if err != nil {
				done <- 0
				return
			}
			response.Body.Close()
			done <- response.StatusCode
		}()
	}
	for range maxConcurrent {
		<-agent.began
	}
	response, err := asking(t.Context(), server.URL, stream, script(doneEvent))
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %v, %v", response, err)
	}
	close(agent.goOn)
	for range maxConcurrent {
		if status := <-done; status != http.StatusOK {
			t.Errorf("one of those before: %d", status)
		}
	}
	if response, err = asking(t.Context(), server.URL, stream, script(doneEvent)); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %v, %v", response, err)
	}
}
