package conversation

import (
	"context"

	"agent.local/a0000000000000000/providers"
)

// The most that a result shows of itself once a request would exceed the window.
const shortResult = 1 << 10

// window is what of a conversation the model sees: the messages from skipped on, of this
// answer's rounds of tools those after cut, and a summary of the messages before.
type window struct {
	skipped int
	summary string
	// cut counts the messages of whole rounds that are left out.
	cut int
	// isShort is set once the results of earlier rounds are shortened.
	isShort bool
	// ratio corrects the estimate of tokens by what the provider counted.
	ratio float64
}

// exchanges returns the beginnings of the exchanges that came with the request, the
// question last.
func (t *turn) exchanges() (starts []int) {
	for i, m := range t.messages[:t.given] {
		if i >= t.seen.skipped && m.Role == providers.User {
			starts = append(starts, i)
		}
	}
	return starts
}

// view returns the messages that the model sees. Rounds of tools are whole, with all that
// their provider wants back.
func (t *turn) view() []providers.Message {
	if t.seen == (window{ratio: t.seen.ratio}) {
		return t.messages
	}
	messages := make([]providers.Message, 0, len(t.messages))
	messages = append(messages, t.messages[t.seen.skipped:t.given]...)
	if t.seen.summary != "" {
		messages[0].Text = "(A summary of the conversation before, for reference only:\n" + t.seen.summary + "\n)\n\n" + messages[0].Text
	}
	if t.seen.cut > 0 {
		messages[len(messages)-1].Text += "\n\n(The first calls of tools for this answer and their results are left out, to fit.)"
	}
	last := t.lastRound()
	for i, m := range t.messages[t.given+t.seen.cut:] {
		if t.seen.isShort && m.Role == providers.Tool && t.given+t.seen.cut+i < last {
			m.Text = t.results.shortened(m)
		}
		messages = append(messages, m)
	}
	return messages
}

// lastRound returns the index of the model's newest message in this answer: one with
// calls, or one that is to be sent again in another form; the end if there is none.
func (t *turn) lastRound() int {
	for i := len(t.messages) - 1; i >= t.given; i-- {
		if t.messages[i].Role == providers.Assistant {
			return i
		}
	}
	return len(t.messages)
}

// fit makes the next request fit the window: it summarizes the oldest exchanges, then
// shortens the results of earlier rounds of tools, and then leaves out whole rounds.
func (t *turn) fit(ctx context.Context, request providers.Request) error {
	memory := t.config.Capabilities.Memory
	if memory.Tokens == 0 {
		return nil
	}
	size := func() int {
		request.Messages = t.view()
		return int(float64(estimate(request)) * max(t.seen.ratio, 1))
	}
	starts := t.exchanges()
	if size() > memory.Tokens || len(starts)-1 > memory.Turns {
		if err := t.drop(ctx, starts, size); err != nil {
			return err
		}
	}
	if size() > memory.Tokens {
		t.seen.isShort = true
	}
	for size() > memory.Tokens && t.cutRound() {
	}
	return nil
}

// drop leaves out exchanges until half of the window is free, so that the next ones do
// not need a summary each, and summarizes them.
func (t *turn) drop(ctx context.Context, starts []int, size func() int) error {
	memory, before := t.config.Capabilities.Memory, t.seen
	if len(starts) < 2 {
		return nil
	}
	t.seen.skipped = starts[len(starts)-1]
	least := size()
	goal := max(memory.Tokens/2, least+(memory.Tokens-least)/2)
	for i, start := range starts[1:] {
		if t.seen.skipped = start; len(starts)-2-i <= max(1, memory.Turns/2) && size() <= goal {
			break
		}
	}
	return t.summarize(ctx, before)
}

// cutRound leaves out the oldest round of tools but the last, whole.
func (t *turn) cutRound() bool {
	from, last := t.given+t.seen.cut, t.lastRound()
	if from >= last {
		return false
	}
	end := from + 1
	for end < last && t.messages[end].Role != providers.Assistant {
		end++
	}
	t.seen.cut = end - t.given
	return true
}

// calibrate learns from what a provider counted how far the estimate is off.
func (t *turn) calibrate(request providers.Request, counted int) {
	if counted > 0 {
		t.seen.ratio = min(4, float64(counted)/float64(estimate(request)))
	}
}

// windowEvent says how many messages the model no longer sees, and whether a summary
// stands for them.
type windowEvent struct {
	Type    string `json:"type"`
	Left    int    `json:"messages_left_out"`
	Summary bool   `json:"summary"`
}
