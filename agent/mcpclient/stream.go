package mcpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"agent.local/a0000000000000000/sse"
)

const (
	maxResumes  = 5
	resumeAfter = time.Second
	longestWait = 10 * time.Second
)

// readStream reads messages until the response comes. A stream that ends before it is
// resumed where the server numbers its events.
func (h *httpConn) readStream(ctx context.Context, m message, body io.ReadCloser, changed func()) (message, error) {
	resume, size := resumption{after: resumeAfter}, int64(0)
	for range maxResumes {
		answer, err := h.readEvents(ctx, m, &countingReader{body, &size}, &resume, changed)
		if err == nil || resume.id == "" || ctx.Err() != nil || size > maxBody || errors.Is(err, sse.ErrTooLong) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return message{}, context.Cause(ctx)
		case <-time.After(resume.after):
		}
		next, err := h.resume(ctx, resume.id)
		if err != nil {
			return message{}, err
		}
		defer next.Close()
		body = next
	}
	return message{}, errors.New("the server ended its answer before it was complete")
}

// resumption is where a stream goes on, and how long to wait for it.
type resumption struct {
	id    string
	after time.Duration
}

func (h *httpConn) readEvents(ctx context.Context, m message, body io.Reader, resume *resumption, changed func()) (message, error) {
	events := sse.NewReader(body)
	for {
		event, err := events.Next()
		if events.LastID != "" {
			resume.id = events.LastID
		}
		if ms, err := strconv.Atoi(events.Retry); err == nil && ms >= 0 {
			resume.after = min(time.Duration(ms)*time.Millisecond, longestWait)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the server ended its answer before it was complete")
		}
		if err != nil {
			return message{}, err
		}
		var got message
		if event.Data == "" || json.Unmarshal([]byte(event.Data), &got) != nil {
			continue
		}
		if got.isResponse() && bytes.Equal(got.ID, m.ID) {
			return got, nil
		}
		h.receive(ctx, got, changed)
	}
}

// receive handles what a server sends beside the response.
func (h *httpConn) receive(ctx context.Context, got message, changed func()) {
	switch {
	case got.Method == "notifications/tools/list_changed" && changed != nil:
		changed()
	case got.Method != "" && got.ID != nil:
		answer := got.reply()
		if body, err := json.Marshal(answer); err == nil {
			if response, err := h.post(ctx, answer, body); err == nil {
				_ = response.Body.Close()
			}
		}
	}
}

func (h *httpConn) resume(ctx context.Context, id string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.service.Base.String(), nil)
	if err != nil {
		return nil, err
	}
	h.describe(request, message{})
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Last-Event-ID", id)
	response, err := h.service.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, &statusError{response.StatusCode}
	}
	return response.Body, nil
}

// countingReader ends a stream that is too long.
type countingReader struct {
	io.Reader
	size *int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if *r.size += int64(n); *r.size > maxBody {
		return n, fmt.Errorf("the server's answer is larger than %d MB", maxBody>>20)
	}
	return n, err
}
