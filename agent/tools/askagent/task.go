package askagent

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"agent.local/a0000000000000000/hops"
)

// dialect is a version of the protocol: its methods, and the fields by which it differs.
type dialect struct {
	version                   string
	send, stream, get, cancel string
	role, atOnce              string
	isAtOnce                  bool
	// isTagged is set if results and parts name their kind.
	isTagged bool
}

var dialects = map[string]*dialect{
	"1.0": {version: "1.0", send: "SendMessage", stream: "SendStreamingMessage", get: "GetTask", cancel: "CancelTask",
		role: "ROLE_USER", atOnce: "returnImmediately", isAtOnce: true},
	"0.3": {version: "0.3", send: "message/send", stream: "message/stream", get: "tasks/get", cancel: "tasks/cancel",
		role: "user", atOnce: "blocking", isTagged: true},
}

// message returns the parameters that send a text: a new task, which is not waited for, or
// the answer to one.
func (d *dialect) message(id, text, taskID string, count int) map[string]any {
	part := map[string]any{"text": text}
	message := map[string]any{
		"messageId": id, "role": d.role, "parts": []any{part}, "metadata": map[string]any{hops.Key: count},
	}
	if taskID != "" {
		message["taskId"] = taskID
	}
	if d.isTagged {
		part["kind"], message["kind"] = "text", "message"
	}
	return map[string]any{"message": message, "configuration": map[string]any{d.atOnce: d.isAtOnce}}
}

// part is one of a message or an artifact, in both versions.
type part struct {
	Text *string         `json:"text"`
	Data json.RawMessage `json:"data"`
	URL  string          `json:"url"`
	Name string          `json:"filename"`
	File struct {
		Name string `json:"name"`
		URI  string `json:"uri"`
	} `json:"file"`
}

type message struct {
	Parts []part `json:"parts"`
}

type status struct {
	State   string   `json:"state"`
	Message *message `json:"message"`
}

type task struct {
	ID        string    `json:"id"`
	Status    status    `json:"status"`
	Artifacts []message `json:"artifacts"`
}

// event is what an agent says of a question: a message, or how far its task is.
type event struct {
	message *message
	task    task
}

// read returns the event in a result.
func (d *dialect) read(raw json.RawMessage) (event, error) {
	if d.isTagged {
		return readTagged(raw)
	}
	var result struct {
		Message  *message      `json:"message"`
		Task     *task         `json:"task"`
		Status   *statusUpdate `json:"statusUpdate"`
		Artifact *statusUpdate `json:"artifactUpdate"`
	}
	err := json.Unmarshal(raw, &result)
	switch {
	case err != nil:
	case result.Message != nil:
		return event{message: result.Message}, nil
	case result.Task != nil:
		return result.Task.event()
	case result.Status != nil:
		return result.Status.task().event()
	case result.Artifact != nil:
		return result.Artifact.task().event()
	}
	return event{}, errNotReadable
}

var errNotReadable = errors.New("the agent's answer is not one of its version of the protocol")

// statusUpdate is a change of a task. More of its answer has no status.
type statusUpdate struct {
	TaskID string `json:"taskId"`
	Status status `json:"status"`
}

func (u statusUpdate) task() *task { return &task{ID: u.TaskID, Status: u.Status} }

func (t *task) event() (event, error) {
	if t.ID == "" {
		return event{}, errNotReadable
	}
	return event{task: *t}, nil
}

func readTagged(raw json.RawMessage) (event, error) {
	var result struct {
		Kind string `json:"kind"`
		message
		task
		TaskID string `json:"taskId"`
	}
	if json.Unmarshal(raw, &result) != nil {
		return event{}, errNotReadable
	}
	switch result.Kind {
	case "message":
		return event{message: &result.message}, nil
	case "task":
		return result.task.event()
	case "status-update", "artifact-update":
		return statusUpdate{result.TaskID, result.Status}.task().event()
	}
	return event{}, errNotReadable
}

// state returns the state of a task as version 1.0 writes it after TASK_STATE_.
func (t task) state() string {
	return strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(t.Status.State, "-", "_")), "TASK_STATE_")
}

// isRunning reports whether there is more to wait for. A task without a state has to be asked for.
func (t task) isRunning() bool {
	switch t.state() {
	case "", "SUBMITTED", "WORKING":
		return true
	}
	return false
}

// What is longer, a model would not repeat correctly.
var repeatable = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// outcome returns the answer of an agent, or why there is none.
func (p *peer) outcome(got event) (string, error) {
	if got.message != nil {
		return orNothing(got.message.text()), nil
	}
	var said []string
	for _, artifact := range got.task.Artifacts {
		said = append(said, artifact.joined())
	}
	words := got.task.Status.Message.text()
	switch state := got.task.state(); state {
	case "COMPLETED":
		if answer := strings.TrimSpace(strings.Join(said, "\n\n")); answer != "" {
			return answer, nil
		}
		return orNothing(words), nil
	case "INPUT_REQUIRED":
		return p.question(got.task.ID, words), nil
	case "AUTH_REQUIRED":
		return "", fmt.Errorf("the agent wants the user to sign in there before it answers; tell the user: %s", clip(words, maxWords))
	case "FAILED", "REJECTED", "CANCELED":
		return "", fmt.Errorf("the agent did not answer (%s): %s", strings.ToLower(state), clip(words, maxWords))
	default:
		return "", fmt.Errorf("the agent's task is in the state %q, which this agent does not know", clip(state, 40))
	}
}

// question says what an agent asks back.
func (p *peer) question(taskID, words string) string {
	text := "The agent has not answered yet. It waits, and asks back: " + orNothing(words) + "\n"
	if !repeatable.MatchString(taskID) {
		return text + "It can't be answered from here; tell the user."
	}
	return text + fmt.Sprintf("Ask the user. With what they say, call %s with the task %q; never decide for them.", p.pinned.Function+replySuffix, taskID)
}

func orNothing(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "(nothing)"
	}
	return text
}

// joined returns what an artifact says. Its texts came in pieces.
func (m message) joined() string {
	var all strings.Builder
	for i, part := range m.Parts {
		if i > 0 && (part.Text == nil || m.Parts[i-1].Text == nil) {
			all.WriteByte('\n')
		}
		all.WriteString(part.words())
	}
	return all.String()
}

// text returns what a message says. A nil message says nothing.
func (m *message) text() string {
	if m == nil {
		return ""
	}
	var texts []string
	for _, part := range m.Parts {
		texts = append(texts, part.words())
	}
	return strings.Join(texts, "\n")
}

func (p part) words() string {
	switch {
	case p.Text != nil:
		return *p.Text
	case len(p.Data) > 0:
		return string(p.Data)
	case p.URL+p.File.URI != "":
		return fmt.Sprintf("[file at %s, not shown]", p.URL+p.File.URI)
	}
	return fmt.Sprintf("[file %s, not shown]", p.Name+p.File.Name)
}
