package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
)

// The longest wait that the provider may set before it is asked again, if there is
// another to ask.
const pauseBeforeFallback = 2 * time.Second

// fallback is the provider that answers when the first one fails. It has no provider
// but an error if it can't be asked.
type fallback struct {
	config   config.Provider
	provider providers.Provider
	err      error
}

func newFallback(p config.Provider, settings providers.Settings, getenv func(string) string) *fallback {
	f := &fallback{config: p}
	f.provider, f.err = connect(p, settings, getenv)
	return f
}

func (f *fallback) isUsable() bool { return f != nil && f.err == nil }

// failing is a provider that can't be asked.
type failing struct{ err error }

func (f failing) Stream(context.Context, providers.Request, func(string) error) (providers.Reply, error) {
	return providers.Reply{}, f.err
}

// stream asks the provider, and the fallback if the provider failed before any text.
// The fallback then gives the rest of the answer, too: it does not know what led the
// other to its calls.
func (t *turn) stream(ctx context.Context, request providers.Request) (providers.Reply, error) {
	if t.replaced {
		return t.fallback.provider.Stream(ctx, request, t.emitText)
	}
	before := t.text.Len()
	reply, err := t.provider.Stream(ctx, request, t.emitText)
	var reason *providers.Error
	if t.fallback == nil || !errors.As(err, &reason) || ctx.Err() != nil || t.text.Len() > before {
		return reply, err
	}
	if t.fallback.err != nil {
		return reply, withMore(reason, "the fallback can't be asked: %v", t.fallback.err)
	}
	t.replaced, t.own = true, t.usage
	to := t.fallback.config
	event := fallbackEvent{"fallback", to.Code, to.Model, string(reason.Kind), reason.Status, reason.Message}
	if err := t.out.send(event); err != nil {
		return reply, err
	}
	t.forgetProvider()
	request.Messages = t.view()
	reply, err = t.fallback.provider.Stream(ctx, request, t.emitText)
	var failure *providers.Error
	if errors.As(err, &failure) {
		err = withMore(failure, "%s was asked because of this: %s", to.Code, reason.Message)
	}
	return reply, err
}

// withMore returns a copy of an error with another sentence.
func withMore(failure *providers.Error, format string, args ...any) error {
	more := *failure
	more.Message += fmt.Sprintf(" ("+format+")", args...)
	return &more
}

// forgetProvider takes out of the messages what only the first provider understands:
// its reasoning, its data on the calls, and ids in a form of its own.
func (t *turn) forgetProvider() {
	t.messages = slices.Clone(t.messages)
	ids := map[string]string{}
	for i := range t.messages {
		message := &t.messages[i]
		message.Reasoning, message.Calls, message.Foreign = nil, slices.Clone(message.Calls), true
		for j := range message.Calls {
			call := &message.Calls[j]
			ids[call.ID] = callID(0, len(ids)+1)
			call.ID, call.Extra = ids[call.ID], nil
		}
		if id, found := ids[message.CallID]; found {
			message.CallID = id
		}
	}
}

// usageEvent returns what was counted, and by whom if more than one was asked.
func (t *turn) usageEvent() usageEvent {
	event := usageEvent{Type: "usage", Input: t.usage.Input, Output: t.usage.Output, Dollars: t.spent.Dollars}
	if t.replaced {
		from, to := t.config.Provider, t.fallback.config
		event.Models = []modelUsage{
			{from.Code, from.Model, t.own.Input, t.own.Output},
			{to.Code, to.Model, t.usage.Input - t.own.Input, t.usage.Output - t.own.Output},
		}
	}
	return event
}
