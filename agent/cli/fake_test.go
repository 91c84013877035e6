package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
)

const sampleManifest = `{"schema":1,"name":"Sample","handle":"sample","version":"1.0.0","limits":{"tool_rounds":1,"seconds":9,"memory_mb":512}}`

// fakeAgent repeats what it was asked, word by word. A few words make it fail.
type fakeAgent struct {
	manifest string

	mu       sync.Mutex
	requests []string
	// began receives when an answer to "wait" has begun.
	began chan struct{}
}

func (f *fakeAgent) Manifest() []byte {
	if f.manifest != "" {
		return []byte(f.manifest)
	}
	return []byte(sampleManifest)
}

func (f *fakeAgent) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	f.mu.Lock()
	f.requests = append(f.requests, string(request))
	f.mu.Unlock()
	var r struct{ Messages []message }
	if json.Unmarshal(request, &r) != nil || len(r.Messages) == 0 {
		return refuse(emit, "bad_request")
	}
	text := r.Messages[len(r.Messages)-1].Content
	if code, ok := strings.CutPrefix(text, "fail "); ok {
		return refuse(emit, code)
	}
	for _, word := range strings.SplitAfter(text, " ") {
		if err := send(emit, map[string]any{"type": "token", "text": word}); err != nil {
			return err
		}
	}
	switch text {
	case "wait":
		f.began <- struct{}{}
		<-ctx.Done()
		return refuse(emit, "cancelled")
	case "break":
		return refuse(emit, "provider_unreachable")
	case "vanish":
		return errors.New("vanished")
	}
	_ = send(emit, map[string]any{"type": "usage", "input_tokens": 3, "output_tokens": 2})
	return send(emit, map[string]any{"type": "done", "text": text, "finish": "stop", "rounds": 1})
}

func send(emit func([]byte) error, event any) error {
	encoded, _ := json.Marshal(event)
	return emit(encoded)
}

func refuse(emit func([]byte) error, code string) error {
	if err := send(emit, map[string]any{"type": "error", "code": code, "message": "because " + code}); err != nil {
		return err
	}
	return errors.New("because " + code)
}
