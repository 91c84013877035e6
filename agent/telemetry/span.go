package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"
)

// Kind is the role of a span.
type Kind int

// What this program does itself, and what it asks another one to do.
const (
	Internal Kind = 1
	Client   Kind = 3
)

// Span is one operation. All methods do nothing for nil, so that callers need not know
// whether spans are wanted. A span is used by one goroutine at a time.
type Span struct {
	exporter   *Exporter
	trace      string
	id, parent string
	name       string
	kind       Kind
	start, end time.Time
	attributes []attribute
	failed     bool
	// isUnsampled is set in a trace that nobody records.
	isUnsampled bool
}

type contextKey struct{}

// With returns a context in which From finds the span.
func With(ctx context.Context, span *Span) context.Context {
	if span == nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, span)
}

// From returns the span of a context, or nil.
func From(ctx context.Context) *Span {
	span, _ := ctx.Value(contextKey{}).(*Span)
	return span
}

// Start begins a span with a trace of its own.
func (e *Exporter) Start(name string, kind Kind) *Span {
	if e == nil {
		return nil
	}
	return &Span{exporter: e, trace: randomID(16), id: randomID(8), name: name, kind: kind, start: time.Now()}
}

// Child begins a span within this one.
func (s *Span) Child(name string, kind Kind) *Span {
	if s == nil {
		return nil
	}
	child := s.exporter.Start(name, kind)
	child.trace, child.parent, child.isUnsampled = s.trace, s.id, s.isUnsampled
	return child
}

// Set adds an attribute: a string, an int, a float64 or strings. Empty ones say nothing.
func (s *Span) Set(name string, value any) {
	if s == nil {
		return
	}
	if v := valueOf(value); v != nil {
		s.attributes = append(s.attributes, attribute{name, v})
	}
}

// Content reports whether spans may have what people and models say.
func (s *Span) Content() bool { return s != nil && s.exporter.settings.content }

// Fail marks the operation as failed, for a reason of few possible values.
func (s *Span) Fail(reason string) {
	if s == nil {
		return
	}
	s.failed = true
	s.Set("error.type", reason)
}

// End ends the span and hands it to the exporter, if its trace is recorded.
func (s *Span) End() {
	if s == nil || s.isUnsampled {
		return
	}
	s.end = s.start.Add(time.Since(s.start))
	s.exporter.take(s)
}

func randomID(size int) string {
	id := make([]byte, size)
	_, _ = rand.Read(id)
	return hex.EncodeToString(id)
}

// attribute and value have the form of OTLP's JSON.
type attribute struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

type value map[string]any

func valueOf(v any) value {
	switch v := v.(type) {
	case string:
		if v != "" {
			return value{"stringValue": v}
		}
	case int:
		return value{"intValue": strconv.Itoa(v)}
	case float64:
		return value{"doubleValue": v}
	case []string:
		values := make([]value, len(v))
		for i, text := range v {
			values[i] = value{"stringValue": text}
		}
		return value{"arrayValue": map[string]any{"values": values}}
	}
	return nil
}

func (s *Span) encoded() map[string]any {
	encoded := map[string]any{
		"traceId": s.trace, "spanId": s.id, "parentSpanId": s.parent, "name": s.name, "kind": s.kind,
		"startTimeUnixNano": strconv.FormatInt(s.start.UnixNano(), 10),
		"endTimeUnixNano":   strconv.FormatInt(s.end.UnixNano(), 10),
		"attributes":        s.attributes,
	}
	if s.failed {
		encoded["status"] = map[string]int{"code": 2}
	}
	return encoded
}
