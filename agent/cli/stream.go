package cli

import (
	"net/http"
	"sync"
	"time"

	"agent.local/a0000000000000000/sse"
)

// Proxies close connections that stay silent for a minute or less.
const keepAlive = 15 * time.Second

// A reader that takes longer for one event is gone.
const writeTimeout = 30 * time.Second

// Stream sends server-sent events. Its header goes out with the first of them,
// so that a failure before it can still have a status of its own.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController

	mu      sync.Mutex
	started bool
	done    chan struct{}
	ended   sync.WaitGroup
}

// NewStream begins a stream; Close ends it.
func NewStream(w http.ResponseWriter) *Stream {
	s := &Stream{w: w, control: http.NewResponseController(w), done: make(chan struct{})}
	s.ended.Add(1)
	go s.keepOpen()
	return s
}

// Close ends the keep-alive; the ResponseWriter is unused afterwards.
func (s *Stream) Close() {
	close(s.done)
	s.ended.Wait()
}

func (s *Stream) keepOpen() {
	defer s.ended.Done()
	ticker := time.NewTicker(keepAlive)
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
func (s *Stream) Send(data []byte) error {
	return s.write(func() error { return sse.Write(s.w, data) })
}

func (s *Stream) write(what func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.w.Header().Set("Content-Type", "text/event-stream")
		// Tells nginx not to hold events back.
		s.w.Header().Set("X-Accel-Buffering", "no")
		s.w.WriteHeader(http.StatusOK)
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := what(); err != nil {
		return err
	}
	return s.control.Flush()
}

// Instead lets answer take the place of the stream, and reports whether it
// still could.
func (s *Stream) Instead(answer func(http.ResponseWriter)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return false
	}
	s.started = true
	answer(s.w)
	return true
}

// refuse answers with a plain error and reports whether it still could.
func (s *Stream) refuse(e event) bool {
	return s.Instead(func(w http.ResponseWriter) { fail(w, httpStatus(e.Code), e.Code, e.Message) })
}

// httpStatus says how an error event looks to HTTP. The provider's own status
// is not passed on: its 401 is about the agent's key, not the caller's.
func httpStatus(code string) int {
	switch code {
	case "bad_request":
		return http.StatusBadRequest
	case "rate_limited":
		return http.StatusTooManyRequests
	case "time_limit":
		return http.StatusGatewayTimeout
	case "provider_refused", "provider_unreachable":
		return http.StatusBadGateway
	case "no_key", "memory_limit":
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
