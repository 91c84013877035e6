package telemetry

import (
	"context"
	"net/http"
	"regexp"
	"strings"
)

// Header is the one that names the span of whoever asks: https://www.w3.org/TR/trace-context/
const Header = "Traceparent"

var traceparent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$`)

// remote is a span of another program.
type remote struct {
	trace, id string
	isSampled bool
}

// parse reads a traceparent, and returns false for a malformed one.
func parse(text string) (remote, bool) {
	parts := traceparent.FindStringSubmatch(text)
	switch {
	case parts == nil, parts[1] == "ff", parts[1] == "00" && parts[5] != "":
		return remote{}, false
	case strings.Trim(parts[2], "0") == "", strings.Trim(parts[3], "0") == "":
		return remote{}, false
	}
	return remote{parts[2], parts[3], strings.ContainsAny(parts[4][1:], "13579bdf")}, true
}

// Traceparent returns what a request says of its trace; empty if that is nothing or malformed.
func Traceparent(header http.Header) string {
	values := header.Values(Header)
	if len(values) != 1 {
		return ""
	}
	if _, ok := parse(values[0]); !ok {
		return ""
	}
	return values[0]
}

// Continue begins a span within that of another program, or one with a trace of its own
// if the traceparent is malformed. A trace that the other program does not record is not
// recorded here.
func (e *Exporter) Continue(name string, kind Kind, traceparent string) *Span {
	span := e.Start(name, kind)
	if from, ok := parse(traceparent); ok && span != nil {
		span.trace, span.parent, span.isUnsampled = from.trace, from.id, !from.isSampled
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
	header.Set(Header, "00-"+span.trace+"-"+span.id+"-"+flags)
}
