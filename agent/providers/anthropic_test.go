package providers

import (
	"encoding/json"
	"reflect"
	"testing"
)

const (
	messageStart = `event: message_start` + "\n" + `data: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":2,"output_tokens":1}}}`
	textStart    = `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	messageStop  = `data: {"type":"message_stop"}`
)

func textDelta(text string) string {
	encoded, _ := json.Marshal(text)
	return `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":` + string(encoded) + `}}`
}

func messageEnd(reason string) string {
	return `data: {"type":"message_delta","delta":{"stop_reason":"` + reason + `"},"usage":{"output_tokens":3}}`
}

func TestAnthropicStreams(t *testing.T) {
	t.Parallel()
	usage := Usage{Input: 7, Output: 3}
	tests := []struct {
		name  string
		reply reply
		text  string
		want  Reply
	}{
		{"plain", stream(messageStart, textStart, `data: {"type":"ping"}`, textDelta("Hel"), textDelta("lo"), messageEnd("end_turn"), messageStop),
			"Hello", Reply{Finish: Stop, Usage: usage}},
		{"length", stream(messageStart, textDelta("Hi"), messageEnd("max_tokens"), messageStop), "Hi", Reply{Finish: Length, Usage: usage}},
		{"refusal", stream(messageStart, messageEnd("refusal"), messageStop), "", Reply{Finish: Filtered, Usage: usage}},
		{"unknown blocks", stream(messageStart, `data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking"}}`,
			`data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`, `data: {"type":"novelty"}`,
			textDelta("Hi"), messageEnd("end_turn"), messageStop), "Hi",
			Reply{Finish: Stop, Usage: usage, Reasoned: true, Reasoning: json.RawMessage(`[{"type":"thinking","thinking":"hm"}]`)}},
		{"tool use", stream(messageStart,
			`data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"clock","input":{}}}`,
			`data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"time_"}}`,
			`data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"zone\":\"UTC\"}"}}`,
			`data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t2","name":"calculator","input":{"expression":"1"}}}`,
			messageEnd("tool_use"), messageStop), "",
			Reply{Finish: Stop, Usage: usage, Calls: []Call{{"t1", "clock", `{"time_zone":"UTC"}`, nil}, {"t2", "calculator", `{"expression":"1"}`, nil}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, test.reply)
			text, got, err := run(t, server.provider(t, "anthropic"), question("hi"))
			if err != nil || text != test.text || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q %+v %v", text, got, err)
			}
		})
	}
}

func TestAnthropicRequest(t *testing.T) {
	t.Parallel()
	server := serveReplies(t, stream(messageStop))
	request := question("hi")
	request.Temperature = 1.5
	request.NoCalls = true
	request.Functions = []Function{{Name: "clock", Description: "d", Schema: json.RawMessage(`{"type":"object"}`)}}
	request.Messages = append(request.Messages,
		Message{Role: Assistant, Text: "let me see", Calls: []Call{{"a", "clock", "{", nil}, {"b", "clock", `{"x":1}`, nil}}},
		Message{Role: Tool, CallID: "a", Text: "bad", Failed: true},
		Message{Role: Tool, CallID: "b", Text: "noon"})
	if _, _, err := run(t, server.provider(t, "anthropic"), request); err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	_ = json.Unmarshal([]byte(`{"model":"m","max_tokens":9,"system":"be brief","stream":true,"temperature":1,"tool_choice":{"type":"none"},
		"tools":[{"name":"clock","description":"d","input_schema":{"type":"object"}}],"messages":[
		{"role":"user","content":[{"type":"text","text":"hi"}]},
		{"role":"assistant","content":[{"type":"text","text":"let me see"},{"type":"tool_use","id":"a","name":"clock","input":{}},
			{"type":"tool_use","id":"b","name":"clock","input":{"x":1}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"bad","is_error":true},
			{"type":"tool_result","tool_use_id":"b","content":"noon"}]}]}`), &want)
	if !reflect.DeepEqual(server.requests[0], want) {
		t.Errorf("sent %v", server.requests[0])
	}
	header := server.headers[0]
	if header.Get("X-Api-Key") != testKey || header.Get("Anthropic-Version") != "2023-06-01" || header.Get("Authorization") != "" ||
		server.paths[0] != "/v1/messages" {
		t.Errorf("sent to %s with %v", server.paths[0], header)
	}
}

func TestAnthropicFailures(t *testing.T) {
	t.Parallel()
	fault := func(kind string) reply {
		return stream(messageStart, "event: error\ndata: "+`{"type":"error","error":{"type":"`+kind+`","message":"reason"}}`)
	}
	tests := []struct {
		name     string
		reply    reply
		kind     Kind
		attempts int
	}{
		{"overloaded", fault("overloaded_error"), Unreachable, 2},
		{"rate limit", fault("rate_limit_error"), RateLimited, 2},
		{"other", fault("invalid_request_error"), Refused, 1},
		{"cut", stream(messageStart, textStart), Unreachable, 2},
		{"not a stream of events", reply{kind: "text/event-stream", body: "data: <html>\n\n"}, Unreachable, 1},
		{"bad key", problem(401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`), Refused, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, test.reply, test.reply)
			_, _, err := run(t, server.provider(t, "anthropic"), question("hi"))
			if failure := typed(t, err); failure.Kind != test.kind || len(server.requests) != test.attempts {
				t.Errorf("%s %q after %d requests", failure.Kind, failure.Message, len(server.requests))
			}
		})
	}
}

func TestAnthropicWithoutTemperature(t *testing.T) {
	t.Parallel()
	refusal := problem(400, `{"type":"error","error":{"type":"invalid_request_error","message":"`+"`temperature`"+` is deprecated for this model."}}`)
	server := serveReplies(t, refusal, stream(messageStop), stream(messageStop))
	provider := server.provider(t, "anthropic")
	for range 2 {
		if _, _, err := run(t, provider, question("hi")); err != nil {
			t.Fatal(err)
		}
	}
	if _, sent := server.requests[2]["temperature"]; sent || len(server.requests) != 3 {
		t.Errorf("%d requests, the last %v", len(server.requests), server.requests[2])
	}
}
