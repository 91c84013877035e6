package webchat

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/protocol"
)

// scriptedAgent emits each line of the question as an event. At "wait" it
// reports that it began, and continues when goOn is closed or its context ends;
// at "vanish" it ends with an error.
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
	sourceEvent = `{"type":"citations","citations":[{"file":"a.md","found":true}]}`
	usageEvent  = `{"type":"usage","input_tokens":1,"output_tokens":2}`
	errorEvent  = `{"type":"error","code":"provider_unreachable","message":"gone"}`
	doneEvent   = `{"type":"done","text":"Grüße an alle","rounds":1,"ms":2,"finish":"stop"}`
)

func (s scriptedAgent) Handle(ctx context.Context, request []byte, emit func([]byte) error) (err error) {
	defer func() { s.ended <- err }()
	var question struct{ Messages []protocol.Message }
	if err := json.Unmarshal(request, &question); err != nil {
		return err
	}
	for line := range strings.Lines(question.Messages[len(question.Messages)-1].Content) {
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

var stateKey = hex.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

func newSealer(t *testing.T) auth.Sealer {
	t.Helper()
	sealer, err := auth.NewSealer(stateKey)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func newServer(t *testing.T, agent protocol.Agent) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(Handler(agent, protocol.Manifest{RequestFields: []string{"images"}}, newSealer(t)))
	t.Cleanup(server.Close)
	return server
}

func ask(ctx context.Context, url, accept string, fields map[string]string) (*http.Response, error) {
	body, _ := json.Marshal(fields)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
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

func TestAnswers(t *testing.T) {
	t.Parallel()
	server := newServer(t, newScriptedAgent())
	tests := []struct {
		name, accept string
		fields       map[string]string
		status       int
		kind         string
		// The events of a stream, with "…" for the state, or else a part of the answer.
		want []string
	}{
		{"words and tools", stream, script(wordEvent, callEvent, resultEvent, sourceEvent, usageEvent, doneEvent), 200, stream,
			[]string{wordEvent, callEvent, resultEvent, sourceEvent, `{"state":"…","text":"Grüße an alle","type":"done"}`}},
		{"stream among other types", "text/event-stream, application/json;q=0.5", script(doneEvent), 200, stream,
			[]string{`{"state":"…","text":"Grüße an alle","type":"done"}`}},
		{"error in the middle", stream, script(wordEvent, errorEvent), 200, stream,
			[]string{wordEvent, `{"code":"provider_unreachable","message":"The model could not be reached, or broke off before the answer was complete. Ask again in a moment.","type":"error"}`}},
		{"no end", stream, script(wordEvent, "vanish"), 200, stream,
			[]string{wordEvent, `{"code":"internal","message":"` + sentences["internal"] + `","type":"error"}`}},
		{"cut off", stream, script(strings.Replace(doneEvent, "stop", "length", 1)), 200, stream,
			[]string{`{"finish":"length","state":"…","text":"Grüße an alle","type":"done"}`}},
		{"error first", stream, script(errorEvent), 502, "application/json", []string{`"code":"provider_unreachable"`}},
		{"no event", stream, script("vanish"), 502, "application/json", []string{`"message":"` + sentences["internal"]}},
		{"empty question", stream, script(" "), 422, "application/json", []string{"1 to 8000 characters"}},
		{"unknown state", stream, map[string]string{"message": "x", "state": "x.y"}, 409, "application/json", []string{`"unknown_state"`}},
		{"JSON by default", "", script(wordEvent, doneEvent), 200, "application/json", []string{`"text":"Grüße an alle"`}},
		{"JSON with sources", "", script(wordEvent, sourceEvent, doneEvent), 200, "application/json",
			[]string{`"citations":[{"file":"a.md","found":true}]`}},
		{"JSON for everything", "*/*", script(doneEvent), 200, "application/json", []string{`"state":"`}},
		{"JSON, error in the middle", "", script(wordEvent, errorEvent), 502, "application/json", []string{`"message":"The model could not be reached, or broke off `}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			response, err := ask(t.Context(), server.URL, test.accept, test.fields)
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

// eventsOf returns the data of a stream's events, with "…" for the state.
func eventsOf(body string) []string {
	var events []string
	for event := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		data := strings.TrimPrefix(event, "data: ")
		if before, after, ok := strings.Cut(data, `"state":"`); ok {
			_, rest, _ := strings.Cut(after, `"`)
			data = before + `"state":"…"` + rest
		}
		events = append(events, data)
	}
	return events
}

func TestStreamEndsWithState(t *testing.T) {
	t.Parallel()
	agent := newScriptedAgent()
	server := newServer(t, agent)
	response, err := ask(t.Context(), server.URL, stream, script(wordEvent, "wait", doneEvent))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	// The first word arrives before the agent continues.
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
	c, err := stateCodec{newSealer(t)}.decode(done.State)
	if err != nil || len(c.Messages) != 2 || c.Messages[1].Content != "Grüße an alle" {
		t.Errorf("the state holds %v, %v", c, err)
	}
}

func TestDisconnectStopsTheAgent(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{stream, ""} {
		agent := newScriptedAgent()
		server := newServer(t, agent)
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if response, err := ask(ctx, server.URL, accept, script(wordEvent, "wait", doneEvent)); err == nil {
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

// echoAgent answers with all messages so far.
type echoAgent struct{}

func (echoAgent) Manifest() []byte { return []byte("{}") }

func (echoAgent) Handle(_ context.Context, request []byte, emit func([]byte) error) error {
	var question struct{ Messages []protocol.Message }
	_ = json.Unmarshal(request, &question)
	contents := make([]string, len(question.Messages))
	for i, m := range question.Messages {
		contents[i] = m.Content
	}
	event, _ := json.Marshal(map[string]string{"type": "done", "text": strings.Join(contents, "|")})
	return emit(event)
}

func TestConversation(t *testing.T) {
	t.Parallel()
	server := newServer(t, echoAgent{})
	post := func(fields map[string]string) (int, map[string]any) {
		response, err := ask(t.Context(), server.URL, "", fields)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, answer
	}
	_, first := post(map[string]string{"message": "one"})
	state := first["state"].(string)
	if _, second := post(map[string]string{"message": "two", "state": state}); second["text"] != "one|one|two" {
		t.Errorf("got %v", second)
	}
	if status, _ := post(map[string]string{"message": "two", "state": "x" + state}); status != http.StatusConflict {
		t.Errorf("a forged state: %d", status)
	}
}

func TestStateStaysShort(t *testing.T) {
	t.Parallel()
	states := stateCodec{newSealer(t)}
	var long []message
	for range 100 {
		long = append(long, message{Role: "user", Content: strings.Repeat("x", 2000)}, message{Role: "assistant", Content: "y"})
	}
	short, err := states.decode(states.encode(conversation{Messages: long}))
	if err != nil || len(short.Messages) > maxMessages || short.Messages[0].Role != "user" {
		t.Errorf("%d messages, %v", len(short.Messages), err)
	}
}

func TestStateOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	sealer := newSealer(t)
	c, err := stateCodec{sealer}.decode(sealer.Seal(purpose, `[{"role":"user","content":"hi"}]`))
	if err != nil || len(c.Messages) != 1 || c.Messages[0].Content != "hi" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	server := newServer(t, echoAgent{})
	tests := []struct {
		body, contentType string
		status            int
	}{
		{`{`, "application/json", http.StatusBadRequest},
		{`{"message":" "}`, "application/json", http.StatusUnprocessableEntity},
		{`{"message":"x"}`, "text/plain", http.StatusUnsupportedMediaType},
	}
	for _, test := range tests {
		response, err := http.Post(server.URL, test.contentType, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s as %s: %d", test.body, test.contentType, response.StatusCode)
		}
	}
}
