package httpapi

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"agent.local/a0000000000000000/sse"
)

// Shorter than the idle timeout of common proxies, a minute or less.
const keepAliveInterval = 15 * time.Second

// A client that takes longer to receive one event is considered gone.
const writeTimeout = 30 * time.Second

// Stream sends server-sent events. It writes the header with the first event,
// so that a failure before it can still set the HTTP status.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController

	mu      sync.Mutex
	started bool
	done    chan struct{}
	stopped sync.WaitGroup
}

// NewStream starts a stream, with comments that keep the connection open while
// no event is sent. The caller must call Close.
func NewStream(w http.ResponseWriter) *Stream {
	s := &Stream{w: w, control: http.NewResponseController(w), done: make(chan struct{})}
	s.stopped.Add(1)
	go s.keepAlive()
	return s
}

// Close stops the keep-alive. The stream does not use the ResponseWriter after
// Close has returned.
func (s *Stream) Close() {
	close(s.done)
	s.stopped.Wait()
}

func (s *Stream) keepAlive() {
	defer s.stopped.Done()
	ticker := time.NewTicker(keepAliveInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
			_ = s.write(func() error { return sse.Comment(s.w) })
		}
	}
}

// Send sends one event.
func (s *Stream) Send(data []byte) error { return s.SendNamed("", data) }

// SendNamed sends one event with a name.
func (s *Stream) SendNamed(name string, data []byte) error {
	return s.write(func() error { return sse.WriteNamed(s.w, name, data) })
}

// SendJSON sends value as one event.
func (s *Stream) SendJSON(value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.Send(encoded)
}

func (s *Stream) write(send func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.w.Header().Set("Content-Type", "text/event-stream")
		// Keeps nginx from buffering events.
		s.w.Header().Set("X-Accel-Buffering", "no")
		s.w.WriteHeader(http.StatusOK)
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := send(); err != nil {
		return err
	}
	return s.control.Flush()
}

// Replace answers with respond instead of a stream. It returns false, and does
// nothing, if the stream has started.
func (s *Stream) Replace(respond func(http.ResponseWriter)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return false
	}
	s.started = true
	respond(s.w)
	return true
}
