// Package hops counts through how many agents a question has gone, so that agents that
// ask each other in a circle come to an end.
package hops

import (
	"context"
	"encoding/json"
	"fmt"
)

// Key names the count in the metadata of a question to another agent.
const Key = "agentforge/hops"

const most = 4

type contextKey struct{}

// With returns a context for answering a question that went through so many agents.
func With(ctx context.Context, count int) context.Context {
	return context.WithValue(ctx, contextKey{}, count)
}

// Next returns the count of a question that is asked to answer that of the context.
func Next(ctx context.Context) int {
	count, _ := ctx.Value(contextKey{}).(int)
	return count + 1
}

// Check returns an error, in words for the model, if a question goes no further.
func Check(count int) error {
	if count > most {
		return fmt.Errorf("this question went through %d agents already, perhaps in a circle; it goes no further", most)
	}
	return nil
}

// In returns the count in metadata; 0 if it has none.
func In(metadata map[string]json.RawMessage) int {
	// In some languages' metadata every number is a float.
	var count float64
	_ = json.Unmarshal(metadata[Key], &count)
	return int(min(max(count, 0), most+1))
}
