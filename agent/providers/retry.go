package providers

import (
	"context"
	"errors"
	"time"
)

// A server that asks for a longer pause is reported instead of waited for: a
// person sits in front of the answer.
const maxPause = 10 * time.Second

// retrying asks a second time where the first attempt failed in a way that may
// pass and nothing was streamed yet, so that no text is ever repeated.
type retrying struct {
	Provider
	pause  time.Duration
	secret Secret
}

func (r *retrying) Stream(ctx context.Context, request Request, onText func(string) error) (Reply, error) {
	reply, streamed, err := r.attempt(ctx, request, onText)
	if pause, ok := r.mayRepeat(err); ok && !streamed && sleep(ctx, pause) {
		reply, _, err = r.attempt(ctx, request, onText)
	}
	return reply, err
}

// attempt asks once and lets nothing pass that contains the key. It reports
// whether any text was streamed.
func (r *retrying) attempt(ctx context.Context, request Request, onText func(string) error) (Reply, bool, error) {
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

func (r *retrying) mayRepeat(err error) (time.Duration, bool) {
	var failure *Error
	if !errors.As(err, &failure) || !failure.again || failure.after > maxPause {
		return 0, false
	}
	return max(r.pause, failure.after), true
}

func (r *retrying) clean(reply Reply) Reply {
	for i := range reply.Calls {
		call := &reply.Calls[i]
		call.ID, call.Name, call.Arguments = r.secret.Clean(call.ID), r.secret.Clean(call.Name), r.secret.Clean(call.Arguments)
	}
	return reply
}

func (r *retrying) cleanError(err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		failure.Message = r.secret.Clean(failure.Message)
	}
	return err
}

// sleep reports whether the pause passed before ctx ended.
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
