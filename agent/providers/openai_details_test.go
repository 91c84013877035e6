package providers

import (
	"encoding/json"
	"testing"
)

func TestDetailsOfTheReasoningAreWhole(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ fragments, want string }{
		"in fragments": {
			`[{"type":"reasoning.text","text":"I ","index":0,"signature":null},{"type":"reasoning.text","text":"ask","index":0},
			{"type":"reasoning.text","index":0,"signature":"c2ln"},{"type":"reasoning.encrypted","data":"eA==","index":1}]`,
			`[{"index":0,"signature":"c2ln","text":"I ask","type":"reasoning.text"},{"type":"reasoning.encrypted","data":"eA==","index":1}]`,
		},
		"another type":      {`[{"type":"a","text":"x","index":0},{"type":"b","text":"y","index":0}]`, `[{"type":"a","text":"x","index":0},{"type":"b","text":"y","index":0}]`},
		"without an index":  {`[{"data":"x"},{"data":"y"}]`, `[{"data":"x"},{"data":"y"}]`},
		"whole, as it came": {`[{"z":1,"type":"a","a":[ 1 ],"index":0}]`, `[{"z":1,"type":"a","a":[ 1 ],"index":0}]`},
		"no object":         {`["x",5]`, `["x",5]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fragments []json.RawMessage
			if err := json.Unmarshal([]byte(test.fragments), &fragments); err != nil {
				t.Fatal(err)
			}
			got := "["
			for i, part := range wholeDetails(fragments) {
				if i > 0 {
					got += ","
				}
				got += string(part)
			}
			if got += "]"; got != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

// What a model of OpenRouter thought goes back whole, also with the details in pieces.
func TestDetailsGoBackWhole(t *testing.T) {
	t.Parallel()
	piece := func(detail string) string {
		return `data: {"choices":[{"delta":{"reasoning_details":[` + detail + `]}}]}`
	}
	server := serveReplies(t, stream(
		piece(`{"type":"reasoning.text","text":"I ","index":0}`), piece(`{"type":"reasoning.text","text":"ask","index":0}`),
		`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`, chatDone))
	_, got, err := run(t, server.provider(t, "openai"), question("hi"))
	if want := `{"reasoning_details":[{"index":0,"text":"I ask","type":"reasoning.text"}]}`; err != nil || string(got.Reasoning) != want {
		t.Errorf("got %s, %v", got.Reasoning, err)
	}
}
