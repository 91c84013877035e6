package a2a

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

// served is one server and its address.
type served struct {
	*Server
	url string
}

func serve(t *testing.T, agent protocol.Agent, options Options) served {
	t.Helper()
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		t.Fatal(err)
	}
	s := New(agent, manifest, options)
	mux := http.NewServeMux()
	s.Register(mux)
	mux.HandleFunc("GET "+CardPaths[0], s.Card)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	return served{s, web.URL}
}

// call sends one request of version 1.0, or of 0.3 if its method has a slash.
func (s served) call(t *testing.T, method, params string) string {
	t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	number := "1.0"
	if strings.Contains(method, "/") {
		number = ""
	}
	response, err := http.DefaultClient.Do(agenttest.NewRequest(t, http.MethodPost, s.url+"/a2a", body, "A2A-Version", number))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return string(answer)
}

func message(text string, more ...string) string {
	encoded, _ := json.Marshal(text)
	return fmt.Sprintf(`{"message":{"messageId":"m1","role":"ROLE_USER","parts":[{"text":%s}]%s}}`, encoded, strings.Join(more, ""))
}

var random = regexp.MustCompile(`[A-Z2-7]{26}|\d{4}-\d\d-\d\dT[\d:.]+Z`)

// field returns the first value of a field of text.
func field(t *testing.T, text, name string) string {
	t.Helper()
	match := regexp.MustCompile(`"` + name + `":"([^"]*)"`).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("no %s in %s", name, text)
	}
	return match[1]
}

func TestSend(t *testing.T) {
	t.Parallel()
	s := serve(t, &agenttest.Agent{}, Options{})
	const want = `{"id":1,"jsonrpc":"2.0","result":{"task":{"artifacts":[{"artifactId":"answer","name":"answer","parts":[{"text":"hi there"}]}],"contextId":"*",` +
		`"history":[{"contextId":"*","messageId":"m1","parts":[{"text":"hi there"}],"role":"ROLE_USER","taskId":"*"}],"id":"*","status":{"state":"TASK_STATE_COMPLETED","timestamp":"*"}}}}`
	if got := strings.TrimSpace(random.ReplaceAllString(s.call(t, "SendMessage", message("hi there")), "*")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	old := s.call(t, "message/send", `{"message":{"kind":"message","messageId":"m","role":"user","parts":[{"kind":"text","text":"hi"}]}}`)
	for _, part := range []string{`"kind":"task"`, `"state":"completed"`, `"parts":[{"kind":"text","text":"hi"}]`, `"role":"user"`} {
		if !strings.Contains(old, part) {
			t.Errorf("no %s in %s", part, old)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, &agenttest.Agent{}, Options{})
	done := s.call(t, "SendMessage", message("hi"))
	task := field(t, done, "taskId")
	tests := []struct {
		name, method, params string
		code                 int
	}{
		{"no message id", "SendMessage", `{"message":{"role":"ROLE_USER","parts":[{"text":"x"}]}}`, -32602},
		{"the agent's role", "SendMessage", `{"message":{"messageId":"m","role":"ROLE_AGENT","parts":[{"text":"x"}]}}`, -32602},
		{"no parts", "SendMessage", `{"message":{"messageId":"m","role":"ROLE_USER","parts":[]}}`, -32602},
		{"no text", "SendMessage", message(" "), -32602},
		{"a file", "SendMessage", `{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"url":"https://a.example/x"}]}}`, -32005},
		{"an image", "SendMessage", `{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"raw":"R0lGODlh"}]}}`, -32005},
		{"images wanted", "SendMessage", strings.TrimSuffix(message("x"), "}") + `,"configuration":{"acceptedOutputModes":["image/png"]}}`, -32005},
		{"push", "SendMessage", strings.TrimSuffix(message("x"), "}") + `,"configuration":{"taskPushNotificationConfig":{"url":"http://10.0.0.1"}}}`, -32003},
		{"an unknown task", "SendMessage", message("x", `,"taskId":"nope"`), -32001},
		{"a task that has ended", "SendMessage", message("x", `,"taskId":"`+task+`"`), -32004},
		{"a task of another context", "SendMessage", message("x", `,"taskId":"`+task+`","contextId":"other"`), -32602},
		{"get an unknown task", "GetTask", `{"id":"nope"}`, -32001},
		{"cancel an unknown task", "CancelTask", `{"id":"nope"}`, -32001},
		{"cancel a task that has ended", "CancelTask", `{"id":"` + task + `"}`, -32002},
		{"subscribe to a task that has ended", "SubscribeToTask", `{"id":"` + task + `"}`, -32004},
		{"push settings", "CreateTaskPushNotificationConfig", `{}`, -32003},
		{"an extended card", "GetExtendedAgentCard", `{}`, -32007},
		{"a page size", "ListTasks", `{"pageSize":0}`, -32602},
		{"a page", "ListTasks", `{"pageToken":"x"}`, -32602},
		{"an unknown method", "Frob", `{}`, -32601},
		{"a method of another version", "tasks/list", `{}`, -32601},
		{"params of another form", "GetTask", `[]`, -32602},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := s.call(t, test.method, test.params); !strings.Contains(got, fmt.Sprintf(`"error":{"code":%d,`, test.code)) {
				t.Errorf("got %s", got)
			}
		})
	}
	if got := s.call(t, "GetTask", `{"id":"nope"}`); !strings.Contains(got, `"reason":"TASK_NOT_FOUND"`) || !strings.Contains(got, `"domain":"a2a-protocol.org"`) {
		t.Errorf("got %s", got)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	s := serve(t, &agenttest.Agent{}, Options{})
	body := `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":` + message("hi") + `}`
	for version, want := range map[string]string{"1.0": "TASK_STATE_COMPLETED", "": "send the header A2A-Version", "0.3": "-32601", "2.0": "-32009"} {
		response, err := http.DefaultClient.Do(agenttest.NewRequest(t, http.MethodPost, s.url+"/a2a", body, "A2A-Version", version))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if !strings.Contains(string(answer), want) {
			t.Errorf("%q: %s", version, answer)
		}
	}
}

// Every step arrives in order, and the stream ends with the task.
func TestStream(t *testing.T) {
	t.Parallel()
	s := serve(t, &agenttest.Agent{}, Options{})
	kinds := func(text string) string {
		var found []string
		for line := range strings.Lines(text) {
			for _, kind := range []string{`"task":{`, `"statusUpdate":{`, `"artifactUpdate":{`, `"kind":"task"`, `"kind":"status-update"`, `"kind":"artifact-update"`} {
				if strings.Contains(line, kind) && strings.HasPrefix(line, `data: {"id":1,"jsonrpc":"2.0","result"`) {
					found = append(found, kind)
				}
			}
		}
		return strings.Join(found, " ")
	}
	text := s.call(t, "SendStreamingMessage", message("hi there"))
	if got := kinds(text); got != `"task":{ "statusUpdate":{ "artifactUpdate":{ "artifactUpdate":{ "statusUpdate":{` || !strings.Contains(text, "TASK_STATE_COMPLETED") ||
		strings.Count(text, `"append":true`) != 1 {
		t.Errorf("%s: %s", got, text)
	}
	text = s.call(t, "message/stream", `{"message":{"messageId":"m","role":"user","parts":[{"kind":"text","text":"hi"}]}}`)
	if got := kinds(text); got != `"kind":"task" "kind":"status-update" "kind":"artifact-update" "kind":"status-update"` || strings.Count(text, `"final":true`) != 1 {
		t.Errorf("%s: %s", got, text)
	}
	if text := s.call(t, "SendStreamingMessage", message("fail no_key")); !strings.Contains(text, "TASK_STATE_FAILED") || !strings.Contains(text, "because no_key") {
		t.Errorf("got %s", text)
	}
}

// A task goes on without its client, can be followed and cancelled, and is kept.
func TestTasksThatGoOn(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{Waiting: make(chan struct{})}
	s := serve(t, agent, Options{})
	begun := s.call(t, "SendMessage", strings.TrimSuffix(message("wait"), "}")+`,"configuration":{"returnImmediately":true}}`)
	<-agent.Waiting
	id := field(t, begun, "taskId")
	if !strings.Contains(begun, "TASK_STATE_WORKING") {
		t.Errorf("got %s", begun)
	}
	if got := s.call(t, "SendMessage", message("more", `,"taskId":"`+id+`"`)); !strings.Contains(got, "-32004") {
		t.Errorf("a message to a task that works: %s", got)
	}
	followed := make(chan string, 1)
	go func() { followed <- s.call(t, "SubscribeToTask", `{"id":"`+id+`"}`) }()
	if got := s.call(t, "CancelTask", `{"id":"`+id+`"}`); !strings.Contains(got, "TASK_STATE_CANCELED") {
		t.Errorf("got %s", got)
	}
	if got := <-followed; !strings.Contains(got, "TASK_STATE_CANCELED") && !strings.Contains(got, "-32004") {
		t.Errorf("the follower saw %s", got)
	}
	if got := s.call(t, "GetTask", `{"id":"`+id+`","historyLength":0}`); !strings.Contains(got, "TASK_STATE_CANCELED") || strings.Contains(got, `"history"`) {
		t.Errorf("got %s", got)
	}
}

// A conversation goes on by its context, which strangers cannot join by guessing.
func TestContexts(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{}
	s := serve(t, agent, Options{Shared: true})
	first := s.call(t, "SendMessage", message("one"))
	s.call(t, "SendMessage", message("two", `,"contextId":"`+field(t, first, "contextId")+`"`))
	if got := agent.Requests()[1]; got != `{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"one"},{"role":"user","content":"two"}]}` {
		t.Errorf("asked %s", got)
	}
	if got := s.call(t, "SendMessage", message("x", `,"contextId":"mine"`)); !strings.Contains(got, "-32602") {
		t.Errorf("a chosen context: %s", got)
	}
	if got := s.call(t, "ListTasks", `{}`); !strings.Contains(got, "-32004") {
		t.Errorf("everybody's tasks: %s", got)
	}
	got := s.call(t, "ListTasks", `{"contextId":"`+field(t, first, "contextId")+`","pageSize":1,"historyLength":0}`)
	if !strings.Contains(got, `"nextPageToken":"1","pageSize":1`) || !strings.Contains(got, `"totalSize":2`) || strings.Contains(got, "artifacts") {
		t.Errorf("got %s", got)
	}
	private := serve(t, agent, Options{})
	if got := private.call(t, "SendMessage", message("x", `,"contextId":"mine"`)); !strings.Contains(got, `"contextId":"mine"`) {
		t.Errorf("got %s", got)
	}
}

func TestStateless(t *testing.T) {
	t.Parallel()
	s := serve(t, &agenttest.Agent{}, Options{Stateless: true})
	got := strings.TrimSpace(random.ReplaceAllString(s.call(t, "SendMessage", message("hi there")), "*"))
	if got != `{"id":1,"jsonrpc":"2.0","result":{"message":{"messageId":"*","parts":[{"text":"hi there"}],"role":"ROLE_AGENT"}}}` {
		t.Errorf("got %s", got)
	}
	// There is no task to ask for later, so there is nothing to return at once.
	atOnce := strings.TrimSuffix(message("hi there"), "}") + `,"configuration":{"returnImmediately":true}}`
	if again := strings.TrimSpace(random.ReplaceAllString(s.call(t, "SendMessage", atOnce), "*")); again != got {
		t.Errorf("got %s", again)
	}
	if got := s.call(t, "SendStreamingMessage", message("hi")); !strings.Contains(got, "-32004") {
		t.Errorf("got %s", got)
	}
}

// approving is an agent that asks before it answers, and tells what it was answered.
type approving struct{ agenttest.Agent }

func (a *approving) Handle(_ context.Context, request []byte, emit func([]byte) error) error {
	var asked protocol.Request
	_ = json.Unmarshal(request, &asked)
	if asked.Approval != nil && len(asked.Approval.Answers) > 0 {
		answer := asked.Approval.Answers[0]
		return emit([]byte(fmt.Sprintf(`{"type":"done","text":"%s %s %s %s","finish":"stop"}`, asked.Approval.State, answer.ID, answer.Answer, answer.Word)))
	}
	_ = emit([]byte(`{"type":"approval","id":"c1","tool":"mail","arguments":{"to":"bob"}}`))
	return emit([]byte(`{"type":"done","text":"","finish":"approval","state":"sealed"}`))
}

// A person's approval is a question to the client, which answers it on the same task.
func TestApproval(t *testing.T) {
	t.Parallel()
	agent := &approving{agenttest.Agent{ManifestJSON: `{"schema":1,"name":"x","handle":"x","request_fields":["approval"]}`}}
	for said, want := range map[string]string{
		"Yes": "sealed c1 once ", "always": "sealed c1 conversation ", "no": "sealed c1 deny ", "not to Bob": "sealed c1 deny not to Bob",
	} {
		s := serve(t, agent, Options{})
		waiting := s.call(t, "SendMessage", message("Mail Bob"))
		if !strings.Contains(waiting, "TASK_STATE_INPUT_REQUIRED") || !strings.Contains(waiting, `May mail run with {\"to\":\"bob\"}?`) {
			t.Fatalf("got %s", waiting)
		}
		id := field(t, waiting, "taskId")
		if got := s.call(t, "SendMessage", message(said, `,"taskId":"`+id+`"`)); !strings.Contains(got, `"text":"`+want+`"`) || !strings.Contains(got, "COMPLETED") {
			t.Errorf("%s: %s", said, got)
		}
	}
}

// Memory is bounded: the oldest tasks are forgotten.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := serve(t, &agenttest.Agent{}, Options{})
	first := field(t, s.call(t, "SendMessage", message("first")), "taskId")
	for range maxTasks {
		s.store.add(&task{id: "t", conversation: newContext(""), state: completed})
	}
	if got := s.call(t, "GetTask", `{"id":"`+first+`"}`); !strings.Contains(got, "-32001") {
		t.Errorf("got %s", got)
	}
	s.store.add(&task{id: "large", conversation: newContext(""), state: completed, text: strings.Repeat("x", maxBytes)})
	if got := len(s.store.order); got > 1 {
		t.Errorf("%d tasks are kept beside a large one", got)
	}
}

func TestCard(t *testing.T) {
	t.Parallel()
	s := serve(t, &agenttest.Agent{}, Options{Bearer: true})
	response, err := http.Get(s.url + CardPaths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var card struct {
		Name, URL           string
		SupportedInterfaces []struct{ URL, ProtocolBinding, ProtocolVersion string }
		Skills              []struct{ Tags []string }
		SecuritySchemes     map[string]any
	}
	if err := json.NewDecoder(response.Body).Decode(&card); err != nil {
		t.Fatal(err)
	}
	if card.Name != "Sample" || card.URL != s.url+"/a2a" || len(card.SupportedInterfaces) != 2 || len(card.Skills[0].Tags) == 0 || card.SecuritySchemes["bearer"] == nil {
		t.Errorf("got %+v", card)
	}
	again, err := http.DefaultClient.Do(agenttest.NewRequest(t, "GET", s.url+CardPaths[0], "", "If-None-Match", response.Header.Get("ETag")))
	if err != nil {
		t.Fatal(err)
	}
	again.Body.Close()
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d", again.StatusCode)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":` + message("hi") + `}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if asked, failed := parse(raw); failed == nil {
			_, _ = asked.Params.question()
		}
	})
}

// An agent that knows of hops is told them.
func TestHops(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{`"hops"`: true, ``: false} {
		agent := &agenttest.Agent{ManifestJSON: `{"schema":1,"name":"x","handle":"x","request_fields":[` + fields + `]}`}
		serve(t, agent, Options{}).call(t, "SendMessage", message("hi", `,"metadata":{"agentforge/hops":2.0,"other":{}}`))
		if got := agent.Requests()[0]; strings.Contains(got, `"hops":2`) != want {
			t.Errorf("%s: %s", fields, got)
		}
	}
}
