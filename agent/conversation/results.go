package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/untrusted"
)

const (
	readOn = "read_on"
	// What is kept of one result, and of all results of an answer.
	maxKept    = 1 << 20
	maxAllKept = 8 << 20
)

// results keeps what calls returned, as far as the model has not seen the whole of it.
type results struct {
	kept map[string]outcome
	// handles are those of kept, the oldest first; byCall finds that of a call.
	handles []string
	byCall  map[string]string
	count   int
	size    int
}

// keep returns the handle of a result. Without room the oldest one goes.
func (r *results) keep(callID string, result outcome) string {
	if r.kept == nil {
		r.kept, r.byCall = map[string]outcome{}, map[string]string{}
	}
	result.text = cutText(result.text, maxKept)
	r.count++
	handle := fmt.Sprintf("r%d", r.count)
	r.kept[handle], r.byCall[callID] = result, handle
	r.handles, r.size = append(r.handles, handle), r.size+len(result.text)
	for r.size > maxAllKept {
		oldest := r.handles[0]
		r.size -= len(r.kept[oldest].text)
		delete(r.kept, oldest)
		r.handles = r.handles[1:]
	}
	return handle
}

// shortened returns the beginning of a tool's message, and how to read the rest.
func (r *results) shortened(m providers.Message) string {
	handle, known := r.byCall[m.CallID]
	result, kept := r.kept[handle]
	if !known || !kept || len(result.text) <= shortResult {
		return m.Text
	}
	result.text = piece(result.text, handle, 0, shortResult)
	return result.forModel()
}

// piece returns a part of a text with a note of what follows.
func piece(text, handle string, from, length int) string {
	end := min(from+length, len(text))
	for end < len(text) && end > from && !utf8.RuneStart(text[end]) {
		end--
	}
	part := strings.ToValidUTF8(text[from:end], "")
	if rest := len(text) - end; rest > 0 {
		return part + fmt.Sprintf(" … (cut: %d bytes follow; to read on, call %s with handle %q and from %d)", rest, readOn, handle, end)
	}
	return part
}

// shown returns what the model sees of a result at first.
func (t *turn) shown(callID string, result outcome) outcome {
	length := t.room(maxResult)
	isLong := len(result.text) > length
	if (!isLong && t.config.Capabilities.Memory.Tokens == 0) || len(result.text) <= shortResult || !t.offerReadOn() {
		result.text = truncated(result.text)
		return result
	}
	handle := t.results.keep(callID, result)
	if isLong {
		result.text = piece(result.text, handle, 0, length)
	}
	return result
}

// room returns how many bytes a result may show: most, or a quarter of the window.
func (t *turn) room(most int) int {
	if window := t.config.Capabilities.Memory.Tokens; window > 0 {
		return min(most, max(shortResult, window*bytesPerToken/4))
	}
	return most
}

// offerReadOn adds the function that reads on to those of this answer. It returns false
// if a tool of the agent has its name.
func (t *turn) offerReadOn() bool {
	if index := slices.IndexFunc(t.tools, func(tool tools.Tool) bool { return tool.Name == readOn }); index >= 0 {
		return t.tools[index].Set == readOn
	}
	t.tools = append(slices.Clone(t.tools), tools.Tool{
		Name: readOn, Set: readOn,
		Description: "Reads on in a result that was cut, by its handle, from a byte on.",
		Schema:      json.RawMessage(`{"type":"object","properties":{"handle":{"type":"string"},"from":{"type":"integer","minimum":0}},"required":["handle"]}`),
		Run:         t.readOn,
	})
	return true
}

func (t *turn) readOn(_ context.Context, arguments json.RawMessage) (string, error) {
	var input struct {
		Handle string `json:"handle"`
		From   int    `json:"from"`
	}
	if err := json.Unmarshal(arguments, &input); err != nil {
		return "", fmt.Errorf("handle is text, from a whole number: %w", err)
	}
	result, found := t.results.kept[input.Handle]
	if !found {
		return "", fmt.Errorf("nothing is kept under the handle %q; call the tool again whose result it was", input.Handle)
	}
	if input.From < 0 || input.From >= len(result.text) {
		return "", fmt.Errorf("from is beyond the end: the result has %d bytes", len(result.text))
	}
	return piece(result.text, input.Handle, input.From, t.room(maxResult-shortResult)), nil
}

// sourceOf returns where the text of a call comes from: that of the result it reads on in.
func (t *turn) sourceOf(p preparedCall) (string, bool) {
	if p.tool.Name != readOn || p.tool.Set != readOn {
		return "", false
	}
	var input struct{ Handle string }
	_ = json.Unmarshal(p.arguments, &input)
	return t.results.kept[input.Handle].source, true
}

func truncated(text string) string {
	text = untrusted.Clean(text)
	if len(text) <= maxResult {
		return text
	}
	return strings.ToValidUTF8(text[:maxResult], "") + " … (cut)"
}
