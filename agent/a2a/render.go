package a2a

import (
	"strings"
	"time"
)

// artifactID is that of the answer, which is the only artifact of a task.
const artifactID = "answer"

// wrap returns a result as the version names it: by a field, or by its own kind.
func (v version) wrap(field string, value map[string]any) map[string]any {
	if v == v1 {
		return map[string]any{field: value}
	}
	return value
}

// kind adds what version 0.3 tells results apart by.
func (v version) kind(name string, value map[string]any) map[string]any {
	if v == v03 {
		value["kind"] = name
	}
	return value
}

func (v version) state(s state) string {
	if v == v1 {
		return "TASK_STATE_" + string(s)
	}
	return strings.ToLower(strings.ReplaceAll(string(s), "_", "-"))
}

func (v version) parts(text string) []any {
	return []any{v.kind("text", map[string]any{"text": text})}
}

func (v version) message(t *task, n note) map[string]any {
	role := map[version]string{v1: "ROLE_AGENT", v03: "agent"}[v]
	if n.isUser {
		role = map[version]string{v1: "ROLE_USER", v03: "user"}[v]
	}
	return v.kind("message", map[string]any{
		"messageId": n.id, "role": role, "parts": v.parts(n.text), "taskId": t.id, "contextId": t.conversation.id,
	})
}

func (v version) status(t *task, s state, said *note, at time.Time) map[string]any {
	status := map[string]any{"state": v.state(s), "timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z")}
	if said != nil {
		status["message"] = v.message(t, *said)
	}
	return status
}

// snapshot returns the task as it is. A history length of nil means all of it.
func (t *task) snapshot(v version, length *int) map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	value := map[string]any{"id": t.id, "contextId": t.conversation.id, "status": v.status(t, t.state, t.said, t.at)}
	if t.text != "" {
		value["artifacts"] = []any{map[string]any{"artifactId": artifactID, "name": "answer", "parts": v.parts(t.text)}}
	}
	notes := t.history
	if length != nil {
		notes = notes[max(0, len(notes)-max(0, *length)):]
	}
	if len(notes) > 0 {
		history := []any{}
		for _, n := range notes {
			history = append(history, v.message(t, n))
		}
		value["history"] = history
	}
	return v.kind("task", value)
}

// answer returns the answer as a message of its own, for servers without tasks.
func (t *task) answer(v version) map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text
	if t.state != completed && t.said != nil {
		text = strings.TrimSpace(text + "\n\n[" + t.said.text + "]")
	}
	message := v.message(t, *say(text))
	delete(message, "taskId")
	delete(message, "contextId")
	return message
}

func (t *task) changedAt() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at
}

// event returns an update as an event of a stream.
func (u update) event(v version, t *task) map[string]any {
	if u.state == "" {
		artifact := map[string]any{"artifactId": artifactID, "name": "answer", "parts": v.parts(u.text)}
		return v.wrap("artifactUpdate", v.kind("artifact-update", map[string]any{
			"taskId": t.id, "contextId": t.conversation.id, "artifact": artifact, "append": !u.isFirst, "lastChunk": false,
		}))
	}
	value := map[string]any{"taskId": t.id, "contextId": t.conversation.id, "status": v.status(t, u.state, u.said, u.at)}
	if v == v03 {
		value["final"] = u.state != working
	}
	return v.wrap("statusUpdate", v.kind("status-update", value))
}
