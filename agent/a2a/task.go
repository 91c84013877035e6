package a2a

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"agent.local/a0000000000000000/hops"
	"agent.local/a0000000000000000/protocol"
)

// state is one of a task, as version 1.0 writes it after TASK_STATE_.
type state string

const (
	working       state = "WORKING"
	completed     state = "COMPLETED"
	failed        state = "FAILED"
	canceled      state = "CANCELED"
	rejected      state = "REJECTED"
	inputRequired state = "INPUT_REQUIRED"
)

// isTerminal reports whether a task in this state has ended.
func (s state) isTerminal() bool { return s != working && s != inputRequired }

// note is a message in the history of a task.
type note struct {
	id     string
	isUser bool
	text   string
}

// update is a step of a task: a new status, or more text of the answer.
type update struct {
	state state
	said  *note
	at    time.Time
	// text is a piece of the answer; isFirst marks its first.
	text    string
	isFirst bool
}

// task is the work on one message and the answers to its questions.
type task struct {
	id           string
	conversation *conversation
	question     question
	hops         int

	mu      sync.Mutex
	state   state
	said    *note
	at      time.Time
	text    string
	history []note
	// updates are those since the task began to work, for subscribers. They end with it.
	updates []update
	changed chan struct{}
	stop    context.CancelFunc
	// pending are the ids of the calls that wait for a person, and seal their state.
	pending []string
	seal    string
}

func newTask(c *conversation, m incoming, asked question) *task {
	return &task{
		id: rand.Text(), conversation: c, question: asked, hops: hops.In(m.Metadata), state: working, at: time.Now(), changed: make(chan struct{}),
		history: []note{{id: m.MessageID, isUser: true, text: asked.shown()}},
	}
}

// append adds an update and wakes the subscribers. A task that has ended stays as it is.
func (t *task) append(u update) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.isTerminal() {
		return
	}
	if u.state == "" {
		u.isFirst = t.text == ""
		t.text += u.text
	} else {
		u.at = time.Now()
		t.state, t.said, t.at = u.state, u.said, u.at
		if u.said != nil {
			t.history = append(t.history, *u.said)
		}
	}
	t.updates = append(t.updates, u)
	close(t.changed)
	t.changed = make(chan struct{})
}

// next returns the updates from position on, the state after them, and a channel that
// is closed with the next one.
func (t *task) next(position int) ([]update, state, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.updates[min(position, len(t.updates)):], t.state, t.changed
}

// wait returns when the task has ended or waits for a person.
func (t *task) wait(ctx context.Context) error {
	for {
		_, now, changed := t.next(0)
		if now != working {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cancel ends the task; it returns false if the task has ended.
func (t *task) cancel() bool {
	t.mu.Lock()
	stop, ended := t.stop, t.state.isTerminal()
	t.mu.Unlock()
	if ended {
		return false
	}
	if stop != nil {
		stop()
	}
	t.append(update{state: canceled})
	return true
}

// claim continues a task that waits for a person, once.
func (t *task) claim(m incoming, text string) (ids []string, seal string, refused *failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.state.isTerminal():
		return nil, "", errEnded
	case t.state != inputRequired:
		return nil, "", errBusyTask
	}
	t.state, t.said, t.at, t.updates = working, nil, time.Now(), nil
	t.history = append(t.history, note{id: m.MessageID, isUser: true, text: text})
	ids, seal, t.pending, t.seal = t.pending, t.seal, nil, ""
	return ids, seal, nil
}

// size returns about how many bytes the task takes.
func (t *task) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := 512 + len(t.text) + len(t.seal) + 128*len(t.updates)
	for _, image := range t.question.images {
		size += len(image.Data)
	}
	for _, n := range t.history {
		size += len(n.text)
	}
	return size
}

// forgetUpdates drops the updates of a task that ended a while ago: nobody follows it.
func (t *task) forgetUpdates(before time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.isTerminal() && t.at.Before(before) {
		t.updates = nil
	}
}

// conversation is what tasks of one context share.
type conversation struct {
	id string

	mu       sync.Mutex
	messages []protocol.Message
	// seal is how far the agent trusts the conversation, from its last answer.
	seal string
}

func newContext(id string) *conversation {
	if id == "" {
		id = rand.Text()
	}
	return &conversation{id: id}
}

// with returns the messages of the conversation, a question after them, and the seal.
func (c *conversation) with(asked question) ([]protocol.Message, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	messages := append([]protocol.Message{}, c.messages...)
	messages = append(messages, asked.message())
	withoutOldImages(messages)
	return messages, c.seal
}

// More messages than any agent remembers.
const maxMessages = 200

func (c *conversation) add(asked question, answer, seal string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, asked.message(), protocol.Message{Role: "assistant", Content: answer})
	c.messages = c.messages[max(0, len(c.messages)-maxMessages):]
	withoutOldImages(c.messages)
	c.seal = seal
}

func (c *conversation) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := len(c.seal)
	for _, m := range c.messages {
		size += len(m.Content)
		for _, image := range m.Images {
			size += len(image.Data)
		}
	}
	return size
}
