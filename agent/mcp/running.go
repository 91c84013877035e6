package mcp

import (
	"context"
	"sync"
)

// running knows the requests in progress, so that a notification can cancel one. Their
// ids are unique within a session only.
type running struct {
	mu      sync.Mutex
	cancels map[string]context.CancelFunc
}

func newRunning() *running { return &running{cancels: map[string]context.CancelFunc{}} }

// begin returns a context for a request. Call end when the request has been answered.
func (r *running) begin(ctx context.Context, session string, id []byte) (started context.Context, end func()) {
	started, cancel := context.WithCancel(ctx)
	if session == "" {
		return started, cancel
	}
	key := session + " " + string(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.cancels[key]; taken {
		return started, cancel
	}
	r.cancels[key] = cancel
	return started, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.cancels, key)
		cancel()
	}
}

// cancel cancels a request of the session, if it is in progress.
func (r *running) cancel(session string, id []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel := r.cancels[session+" "+string(id)]; cancel != nil {
		cancel()
	}
}
