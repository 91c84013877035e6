package providers

import (
	"context"
	"errors"
	"time"
)

// The longest pause that a server may set before the second attempt: a person is
// waiting for the answer.
const maxPause = 10 * time.Second

// retrier repeats a request once if the failure may be temporary and no text was
// streamed, so that no text is repeated.
type retrier struct {
	Provider
	pause  time.Duration
	secret Secret
}

func (r *retrier) Stream(ctx context.Context, request Request, onText func(string) error) (Reply, error) {
	reply, streamed, err := r.attempt(ctx, request, onText)
	if pause, ok := r.pauseAfter(err); ok && !streamed && sleep(ctx, pause) {
		reply, _, err = r.attempt(ctx, request, onText)
	}
	return reply, err
}

// attempt sends the request once and removes the key from whatever comes back. It
// also returns whether any text was streamed.
func (r *retrier) attempt(ctx context.Context, request Request, onText func(string) error) (Reply, bool, error) {
	streamed := false
	write, flush := r.secret.Stream(func(text string) error {
		streamed = true
		return onText(text)
	})
	reply, err := r.Provider.Stream(ctx, request, write)
	if err != nil {
		return reply, streamed, r.cleanError(err)
	}
	return r.clean(reply), streamed, flush()
}

// pauseAfter returns the pause before a second attempt, or false if there is none.
func (r *retrier) pauseAfter(err error) (time.Duration, bool) {
	var failure *Error
	if !errors.As(err, &failure) || !failure.retryable || failure.retryAfter > maxPause {
		return 0, false
	}
	return max(r.pause, failure.retryAfter), true
}

func (r *retrier) clean(reply Reply) Reply {
	for i := range reply.Calls {
		call := &reply.Calls[i]
		call.ID, call.Name, call.Arguments = r.secret.Clean(call.ID), r.secret.Clean(call.Name), r.secret.Clean(call.Arguments)
	}
	return reply
}

func (r *retrier) cleanError(err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		failure.Message = r.secret.Clean(failure.Message)
	}
	return err
}

// sleep waits and returns false if ctx ended first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
