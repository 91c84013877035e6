package providers

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"agent.local/a0000000000000000/sse"
)

// outcome is what became of the events of a stream.
type outcome struct {
	Text, Reason, Fault string
	Thought             string
	Reply               Reply
	// Decoded counts the events that were.
	Decoded int
}

// outcomeOf reads events, and forgets what they looked like before each if it should.
func outcomeOf(events []string, forgetful bool) outcome {
	var text strings.Builder
	a := &answer{Response: &http.Response{Request: &http.Request{}, Body: io.NopCloser(&bytes.Buffer{})}, client: &client{}, cancel: func() {}}
	r := &chatReader{answer: a, onText: func(piece string) error { text.WriteString(piece); return nil }}
	result := outcome{}
	for _, event := range events {
		if forgetful {
			a.repeat = repeat{}
		}
		_, err := a.decode(sse.Event{Data: event}, func(e sse.Event) (bool, error) {
			result.Decoded++
			return r.event(e)
		})
		if err != nil {
			result.Fault = err.Error()
			break
		}
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	result.Text, result.Reply, result.Reason = text.String(), r.reply, r.finish
	result.Thought = r.reasoningContent.String() + r.reasoning.String()
	result.Reply.Calls = r.calls.result()
	return result
}

// Whatever stands around a text, the next chunk that looks the same means the same.
func FuzzRepeat(f *testing.F) {
	for _, around := range []string{
		`{"choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}]}`,
		`{"choices":[{"index":0,"delta":{"role":"#","content":"@"}}],"usage":{"prompt_tokens":1}}`,
		`{"choices":[{"delta":{"content":"@"},"finish_reason":"stop"}]}`,
		`{"choices":[{"delta":{"content":"@","reasoning":"#"}}]}`,
		`{"choices":[{"delta":{"content":"@","tool_calls":[{"id":"#"}]}}]}`,
		`{"choices":[{"index":1,"delta":{"content":"#"}},{"index":0,"delta":{"content":"@"}}]}`,
		`{"data":{"choices":[{"delta":{"content":"@"}}]}}`,
		`[{"choices":[{"delta":{"content":[{"type":"text","text":"@"}]}}]}]`,
		`{"choices":[{"message":{"content":"@"}}]}`,
		`{"choices":[{"text":"@"}],"error":"#"}`,
	} {
		f.Add(around, "word", "next", "a \"quote\"")
	}
	f.Fuzz(func(t *testing.T, around, first, second, third string) {
		var events []string
		for _, texts := range [][2]string{
			{first, first}, {first, first}, {first, second}, {second, second}, {third, second}, {second, third}, {"", first}, {first, third},
		} {
			content, _ := json.Marshal(texts[0])
			other, _ := json.Marshal(texts[1])
			event := strings.ReplaceAll(around, `"@"`, string(content))
			events = append(events, strings.ReplaceAll(event, `"#"`, string(other)))
		}
		got, want := outcomeOf(events, false), outcomeOf(events, true)
		got.Decoded, want.Decoded = 0, 0
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v instead of %+v", got, want)
		}
	})
}

// Two chunks that look the same are enough.
func TestRepeatedChunksAreNotDecoded(t *testing.T) {
	t.Parallel()
	chunk := func(text string) string {
		return `{"id":"one","choices":[{"index": 0, "delta":{"content": "` + text + `"}}]}`
	}
	got := outcomeOf([]string{chunk("one"), chunk("Two "), chunk("three "), chunk("vier äh "), chunk(`f\u00fcnf`)}, false)
	if got.Text != "oneTwo three vier äh fünf" || got.Decoded != 4 {
		t.Errorf("%+v", got)
	}
}
