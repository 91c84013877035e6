// Package telemetry sends spans to an OpenTelemetry collector: OTLP over HTTP, in JSON, as
// https://opentelemetry.io/docs/specs/otlp/ has it. It connects to nobody unless the
// environment names a collector.
package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"agent.local/a0000000000000000/transport"
)

const (
	// Spans that wait; what comes while so many do is dropped.
	maxWaiting = 2048
	maxBatch   = 512
	scope      = "agentforge.agent"
)

// Exporter sends spans in batches, from a goroutine of its own.
type Exporter struct {
	settings settings
	client   *http.Client
	log      io.Writer
	begin    sync.Once
	spans    chan *Span
	flushes  chan chan struct{}
	// isDown is set while the collector takes nothing: that is said once.
	isDown bool
}

// New returns the exporter that the environment describes, or nil if it names no
// collector. What is wrong with it is logged: an agent answers without a collector.
func New(getenv func(string) string, service, version string) *Exporter {
	s, err := read(getenv, service, version)
	if errors.Is(err, errOff) {
		return nil
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "agent: no spans are sent: %v\n", err)
		return nil
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Exporter{
		settings: s,
		client:   &http.Client{Transport: transport.New(getenv), Timeout: s.timeout, CheckRedirect: refuse},
		log:      os.Stderr,
		spans:    make(chan *Span, maxWaiting),
		flushes:  make(chan chan struct{}),
	}
}

// take never waits: an answer is worth more than a span.
func (e *Exporter) take(s *Span) {
	e.begin.Do(func() { go e.run() })
	select {
	case e.spans <- s:
	default:
	}
}

// Flush sends what has ended so far, until ctx ends.
func (e *Exporter) Flush(ctx context.Context) {
	if e == nil {
		return
	}
	e.begin.Do(func() { go e.run() })
	sent := make(chan struct{})
	select {
	case e.flushes <- sent:
	case <-ctx.Done():
		return
	}
	select {
	case <-sent:
	case <-ctx.Done():
	}
}

func (e *Exporter) run() {
	var batch []*Span
	var due <-chan time.Time
	send := func() {
		e.send(batch)
		batch, due = nil, nil
	}
	for {
		select {
		case span := <-e.spans:
			if batch = append(batch, span); len(batch) == 1 {
				due = time.After(e.settings.delay)
			}
			if len(batch) == maxBatch {
				send()
			}
		case <-due:
			send()
		case sent := <-e.flushes:
			for len(e.spans) > 0 {
				batch = append(batch, <-e.spans)
			}
			send()
			close(sent)
		}
	}
}

func (e *Exporter) send(batch []*Span) {
	if len(batch) == 0 {
		return
	}
	err := e.post(batch)
	if err != nil && !e.isDown {
		fmt.Fprintf(e.log, "agent: spans that the collector did not take: %d (%v)\n", len(batch), err)
	}
	e.isDown = err != nil
}

// post returns an error without the collector's address, which may have a password.
func (e *Exporter) post(batch []*Span) error {
	spans := make([]map[string]any, len(batch))
	for i, span := range batch {
		spans[i] = span.encoded()
	}
	scoped := map[string]any{"scope": map[string]string{"name": scope}, "spans": spans}
	resource := map[string]any{"attributes": e.settings.resource}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{"resource": resource, "scopeSpans": []any{scoped}}}})
	if err != nil {
		return errors.New("they can't be encoded")
	}
	request, err := http.NewRequest(http.MethodPost, e.settings.endpoint, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address can't be used")
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range e.settings.headers {
		request.Header.Set(name, value)
	}
	response, err := e.client.Do(request)
	if err != nil {
		if os.IsTimeout(err) {
			return errors.New("no answer in time")
		}
		return errors.New("no answer")
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
