// Package once says where is kept what may happen only once, for all processes that
// could do it.
package once

import (
	"context"
	"errors"
	"time"
)

// Register keeps names that were claimed.
type Register interface {
	// Claim takes a name, which has to be kept until a time that is the same in each
	// claim of it. It reports false if any process took the name before. With an error,
	// it may be taken or not.
	Claim(ctx context.Context, name string, until time.Time) (bool, error)
}

// Nowhere is the register of a process that shares no place with the others. Nothing can
// be claimed in it.
var Nowhere Register = nowhere{}

type nowhere struct{}

func (nowhere) Claim(context.Context, string, time.Time) (bool, error) {
	return false, errors.New("the processes of this agent share no place")
}

type contextKey struct{}

// With returns a context with the register of a request.
func With(ctx context.Context, register Register) context.Context {
	return context.WithValue(ctx, contextKey{}, register)
}

// From returns the register of a request; nil if it has none of its own.
func From(ctx context.Context) Register {
	register, _ := ctx.Value(contextKey{}).(Register)
	return register
}
