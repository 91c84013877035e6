package protocol

import (
	"bytes"
	"context"
)

type traceKey struct{}

// WithTrace returns a context in which Handle names the span of whoever asks. The
// traceparent is a well-formed one, for an agent that knows the request field of this name.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceKey{}, traceparent)
}

// traced returns the request with the traceparent of the context.
func traced(ctx context.Context, request []byte) []byte {
	traceparent, _ := ctx.Value(traceKey{}).(string)
	fields, isObject := bytes.CutPrefix(bytes.TrimLeft(request, " \t\r\n"), []byte("{"))
	if traceparent == "" || !isObject {
		return request
	}
	first := []byte(`{"traceparent":"` + traceparent + `"`)
	if !bytes.HasPrefix(bytes.TrimLeft(fields, " \t\r\n"), []byte("}")) {
		first = append(first, ',')
	}
	return append(first, fields...)
}
