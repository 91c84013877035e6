// Package traceparent reads what a request says of the trace that it belongs to:
// https://www.w3.org/TR/trace-context/
package traceparent

import (
	"net/http"
	"regexp"
	"strings"
)

// Header names the span of whoever asks.
const Header = "Traceparent"

var form = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$`)

// Parent is a span of another program.
type Parent struct {
	Trace, Span string
	IsSampled   bool
}

// Parse reads a traceparent, and returns false for a malformed one.
func Parse(text string) (Parent, bool) {
	parts := form.FindStringSubmatch(text)
	switch {
	case parts == nil, parts[1] == "ff", parts[1] == "00" && parts[5] != "":
		return Parent{}, false
	case strings.Trim(parts[2], "0") == "", strings.Trim(parts[3], "0") == "":
		return Parent{}, false
	}
	return Parent{parts[2], parts[3], strings.ContainsAny(parts[4][1:], "13579bdf")}, true
}

// Of returns the traceparent of a request; empty if it has none or a malformed one.
func Of(header http.Header) string {
	values := header.Values(Header)
	if len(values) != 1 {
		return ""
	}
	if _, ok := Parse(values[0]); !ok {
		return ""
	}
	return values[0]
}
