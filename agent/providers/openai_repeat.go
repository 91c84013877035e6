package providers

import (
	"encoding/json"
	"reflect"
	"strings"
)

// learn compares what a chunk has around its text with the one before it. What appears
// twice is likely to appear again, and worth a proof.
func (r *chatReader) learn(data string, chunk chatChunk) {
	text := chunk.onlyText()
	before, after, found := strings.Cut(data, `"`+text+`"`)
	if r.answer.complete || !isPlain(text) || !found || chunk.Choices.values[0].Index.value != r.first.value {
		return
	}
	seen := repeat{before: before + `"`, after: `"` + after}
	if seen.before == r.seen.before && seen.after == r.seen.after && seen.holds(text, chunk) {
		r.answer.repeat = repeat{seen.before, seen.after, r.onText}
	}
	r.seen = seen
}

// holds proves that another text in the same place makes a chunk that differs in its
// text alone.
func (r repeat) holds(text string, chunk chatChunk) bool {
	const more = "."
	var other chatChunk
	if json.Unmarshal([]byte(r.before+text+more+r.after), &other) != nil || other.onlyText() != text+more {
		return false
	}
	other.Choices.values[0].Delta.value.Content.text = text
	return reflect.DeepEqual(other, chunk)
}

// onlyText returns the text of a chunk that has nothing else to handle. Its usage may
// count: the same numbers again change nothing.
func (c chatChunk) onlyText() string {
	if len(c.Choices.values) != 1 {
		return ""
	}
	choice := c.Choices.values[0]
	delta := choice.Delta.value
	if choice.FinishReason != "" || choice.Message.set || choice.Text != "" || delta.reasons() || len(delta.calls()) > 0 {
		return ""
	}
	return delta.Content.text
}
