package memory

import (
	"context"
	"errors"
	"testing"
)

func TestWatchCancels(t *testing.T) {
	t.Parallel()
	// The runtime uses more than one mebibyte from the start.
	ctx, stop := Watch(t.Context(), 1)
	defer stop()
	<-ctx.Done()
	var exceeded *ExceededError
	if !errors.As(context.Cause(ctx), &exceeded) || exceeded.Limit != 1 || exceeded.Code() != "memory_limit" {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}

func TestWatchBelowTheLimit(t *testing.T) {
	t.Parallel()
	ctx, stop := Watch(t.Context(), 1<<20)
	if ctx.Err() != nil {
		t.Error(context.Cause(ctx))
	}
	stop()
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), context.Canceled) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}
