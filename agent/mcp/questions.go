package mcp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"sync"
)

// More requests of this server than that don't wait for the responses of clients: each holds
// what its caller sent.
const maxQuestions = 64

// Sessions have no state: the id of one whose client shows forms says so itself.
const formsSession = "forms-"

func newSession(initialize request) string {
	if initialize.elicits() {
		return formsSession + rand.Text()
	}
	return rand.Text()
}

func hasForms(session string) bool { return strings.HasPrefix(session, formsSession) }

// questions are the requests of this server that wait for responses of clients.
type questions struct {
	mu      sync.Mutex
	waiting map[string]chan json.RawMessage
}

func newQuestions() *questions { return &questions{waiting: map[string]chan json.RawMessage{}} }

// ask sends a request to the client of a session and waits for its response, which is nil
// if the client refused.
func (q *questions) ask(ctx context.Context, session, method string, params any, send func(message any) error) (json.RawMessage, error) {
	id := rand.Text()
	answered := make(chan json.RawMessage, 1)
	key := session + " " + id
	q.mu.Lock()
	isFull := len(q.waiting) >= maxQuestions
	if !isFull {
		q.waiting[key] = answered
	}
	q.mu.Unlock()
	if isFull {
		return nil, errNobody
	}
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.waiting, key)
	}()
	if err := send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params}); err != nil {
		return nil, errNobody
	}
	select {
	case response := <-answered:
		return response, nil
	case <-ctx.Done():
		return nil, errNobody
	}
}

// deliver hands a response to who waits for it, once. Other sessions have other questions.
func (q *questions) deliver(session string, response request) {
	var id string
	if json.Unmarshal(response.ID, &id) != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if answered := q.waiting[session+" "+id]; answered != nil {
		delete(q.waiting, session+" "+id)
		answered <- response.Result
	}
}
