package providers

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// retrier repeats a request once if the failure may be temporary and no text was
// streamed, so that no text is repeated.
type retrier struct {
	Provider
	pause time.Duration
	// maxPause is the longest pause that a server may set before the second attempt.
	maxPause time.Duration
	secret   Secret
}

func (r *retrier) Stream(ctx context.Context, request Request, onText func(string) error) (Reply, error) {
	reply, streamed, err := r.attempt(ctx, request, onText)
	if pause, ok := r.pauseAfter(err); ok && !streamed && sleep(ctx, pause) {
		reply, _, err = r.attempt(ctx, request, onText)
	}
	return reply, err
}

// attempt sends the request once. It makes the text whole and removes the reasoning
// and the key from whatever comes back. It also returns whether any text was streamed.
func (r *retrier) attempt(ctx context.Context, request Request, onText func(string) error) (Reply, bool, error) {
	streamed := false
	hide, flushSecret := r.secret.Stream(func(text string) error {
		streamed = true
		return onText(text)
	})
	filter := &reasoningFilter{emit: hide}
	write, flushText := wholeStream(filter.write)
	reply, err := r.Provider.Stream(ctx, request, write)
	if err != nil {
		return reply, streamed, r.cleanError(err)
	}
	reply.Reasoned = reply.Reasoned || filter.removed
	for _, flush := range []func() error{flushText, filter.flush, flushSecret} {
		if err := flush(); err != nil {
			return reply, streamed, err
		}
	}
	return r.clean(reply), streamed, nil
}

// pauseAfter returns the pause before a second attempt, or false if there is none.
func (r *retrier) pauseAfter(err error) (time.Duration, bool) {
	var failure *Error
	if !errors.As(err, &failure) || !failure.retryable || failure.retryAfter > r.maxPause {
		return 0, false
	}
	return max(r.pause, failure.retryAfter), true
}

func (r *retrier) clean(reply Reply) Reply {
	whole := func(text string) string { return r.secret.Clean(wholeText(text)) }
	for i := range reply.Calls {
		call := &reply.Calls[i]
		call.ID, call.Name, call.Arguments = whole(call.ID), whole(call.Name), whole(call.Arguments)
		if json.Valid([]byte(call.Arguments)) {
			call.Arguments = r.secret.Clean(wholeJSON(call.Arguments))
		}
	}
	reply.Reason = r.secret.Clean(reply.Reason)
	return reply
}

func (r *retrier) cleanError(err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		failure.Message = r.secret.Clean(wholeText(failure.Message))
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
