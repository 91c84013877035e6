package telemetry

import (
	"context"
	"net/http"

	"agent.local/a0000000000000000/traceparent"
)

// Continue begins a span within that of another program, or one with a trace of its own
// if the traceparent is malformed. A trace that the other program does not record is not
// recorded here.
func (e *Exporter) Continue(name string, kind Kind, parent string) *Span {
	span := e.Start(name, kind)
	if from, ok := traceparent.Parse(parent); ok && span != nil {
		span.trace, span.parent, span.isUnsampled = from.Trace, from.Span, !from.IsSampled
	}
	return span
}

// Inject tells whoever is asked of the span of the context.
func Inject(ctx context.Context, header http.Header) {
	span := From(ctx)
	if span == nil {
		return
	}
	flags := "01"
	if span.isUnsampled {
		flags = "00"
	}
	header.Set(traceparent.Header, "00-"+span.trace+"-"+span.id+"-"+flags)
}
