package providers

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// What one request was refused for changes nothing for the next visitor, unless the
// server then answered without the field.
func TestDialectIsKeptOnlyAfterAnAnswer(t *testing.T) {
	t.Parallel()
	refusal := problem(400, `{"error":{"message":"Unsupported parameter: 'temperature'","param":"temperature"}}`)
	tooLong := problem(400, `{"error":{"message":"'max_tokens' is too large: the maximum context length is 2048"}}`)
	for api, good := range map[string]reply{"openai": stream(delta("Hi"), chatStop, chatDone), "anthropic": stream(textDelta("Hi"), messageStop)} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, tooLong, refusal, problem(400, `{"error":{"message":"no"}}`), good)
			provider := server.provider(t, api)
			for range 2 {
				if _, _, err := run(t, provider, question("hi")); err == nil {
					t.Error("no error")
				}
			}
			if text, _, err := run(t, provider, question("hi")); err != nil || text != "Hi" {
				t.Errorf("%q %v", text, err)
			}
			if len(server.requests) != 4 || server.requests[3]["temperature"] != 0.5 || server.requests[3]["max_tokens"] != 9.0 {
				t.Errorf("%d requests, the last %v", len(server.requests), server.requests[len(server.requests)-1])
			}
		})
	}
}

func TestNoSystemRole(t *testing.T) {
	t.Parallel()
	server := serveReplies(t, problem(500, `{"error":{"message":"System role not supported"}}`), stream(delta("Hi"), chatStop, chatDone))
	if _, _, err := run(t, server.provider(t, "openai"), question("hi")); err != nil {
		t.Fatal(err)
	}
	want := []any{map[string]any{"role": "user", "content": "be brief\n\nhi"}}
	if !reflect.DeepEqual(server.requests[1]["messages"], want) {
		t.Errorf("sent %v", server.requests[1])
	}
}

// askAgain sends the calls of a reply back with a result.
func askAgain(t *testing.T, p Provider, reply Reply) {
	t.Helper()
	request := question("hi")
	request.Messages = append(request.Messages,
		Message{Role: Assistant, Calls: reply.Calls, Reasoning: reply.Reasoning}, Message{Role: Tool, CallID: "a", Text: "noon"})
	if _, _, err := run(t, p, request); err != nil {
		t.Fatal(err)
	}
}

// Some providers refuse the results of calls without the reasoning that led to them.
func TestReasoningIsSentBack(t *testing.T) {
	t.Parallel()
	calls := `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"clock","arguments":"{}"},` +
		`"extra_content":{"google":{"thought_signature":"s"}}}]},"finish_reason":"tool_calls"}]}`
	tests := []struct {
		name, api string
		reply     reply
		want      string
	}{
		{"reasoning_content", "openai", stream(`data: {"choices":[{"delta":{"reasoning_content":"I "}}]}`,
			`data: {"choices":[{"delta":{"reasoning_content":"ask"}}]}`, calls, chatDone), `"reasoning_content":"I ask"`},
		{"reasoning", "openai", stream(`data: {"choices":[{"delta":{"reasoning":"I ask","reasoning_details":[{"data":"x"}]}}]}`, calls, chatDone),
			`"reasoning":"I ask","reasoning_details":[{"data":"x"}]`},
		{"signature of a call", "openai", stream(calls, chatDone), `"extra_content":{"google":{"thought_signature":"s"}}`},
		{"thinking", "anthropic", stream(`data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
			`data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"I ask"}}`,
			`data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}`,
			`data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"r"}}`,
			`data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"a","name":"clock","input":{}}}`,
			messageEnd("tool_use"), messageStop),
			`[{"signature":"s","thinking":"I ask","type":"thinking"},{"data":"r","type":"redacted_thinking"},{"id":"a","input":{},"name":"clock","type":"tool_use"}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, test.reply, stream(delta("Hi"), textDelta("Hi"), chatStop, messageStop))
			provider := server.provider(t, test.api)
			text, reply, err := run(t, provider, question("hi"))
			if err != nil || text != "" {
				t.Fatalf("%q %v", text, err)
			}
			askAgain(t, provider, reply)
			if sent, _ := json.Marshal(server.requests[1]["messages"]); !strings.Contains(string(sent), test.want) {
				t.Errorf("sent %s", sent)
			}
		})
	}
}

// Other providers refuse any reasoning.
func TestRefusedReasoningIsLeftOut(t *testing.T) {
	t.Parallel()
	server := serveReplies(t, problem(400, `{"error":{"message":"messages.1.reasoning_content: Extra inputs are not permitted"}}`),
		stream(delta("Hi"), chatStop, chatDone))
	askAgain(t, server.provider(t, "openai"), Reply{
		Calls: []Call{{ID: "a", Name: "clock", Arguments: "{}"}}, Reasoning: json.RawMessage(`{"reasoning_content":"I ask"}`),
	})
	if sent, _ := json.Marshal(server.requests[1]); strings.Contains(string(sent), "reasoning_content") {
		t.Errorf("sent %s", sent)
	}
}
