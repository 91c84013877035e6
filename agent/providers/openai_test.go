package providers

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func delta(text string) string {
	encoded, _ := json.Marshal(text)
	return `data: {"choices":[{"index":0,"delta":{"content":` + string(encoded) + `}}]}`
}

const (
	chatStop  = `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}`
	chatUsage = `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}`
	chatDone  = `data: [DONE]`
)

func TestOpenAIStreams(t *testing.T) {
	t.Parallel()
	usage := Usage{Input: 7, Output: 3}
	tests := []struct {
		name  string
		reply reply
		text  string
		want  Reply
	}{
		{"plain", stream(delta("Hel"), delta("lo"), chatStop, chatUsage, chatDone), "Hello", Reply{Finish: Stop, Usage: usage}},
		{"CRLF", reply{kind: "text/event-stream", body: strings.ReplaceAll(stream(delta("Hi"), chatStop, chatDone).body, "\n", "\r\n")},
			"Hi", Reply{Finish: Stop}},
		{"comments and empty deltas", stream(": PROCESSING", delta(""), delta("Hi"), chatStop, chatDone), "Hi", Reply{Finish: Stop}},
		{"length", stream(delta("Hi"), `data: {"choices":[{"delta":{},"finish_reason":"length"}]}`, chatDone), "Hi", Reply{Finish: Length}},
		{"filtered", stream(`data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}`, chatDone), "", Reply{Finish: Filtered}},
		{"refusal", stream(`data: {"choices":[{"delta":{"refusal":"No."}}]}`, chatStop, chatDone), "No.", Reply{Finish: Stop}},
		{"no DONE", stream(delta("Hi"), chatStop), "Hi", Reply{Finish: Stop}},
		{"no finish reason", stream(delta("Hi"), chatDone), "Hi", Reply{Finish: Stop}},
		{"cut after the finish", reply{kind: "text/event-stream", body: stream(delta("Hi"), chatStop).body, cut: true}, "Hi", Reply{Finish: Stop}},
		{"null content, reasoning parts", stream(`data: {"choices":[{"delta":{"role":"assistant","content":null}}]}`,
			`data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"Hi"}]}}]}`, chatStop, chatDone),
			"Hi", Reply{Finish: Stop, Reasoned: true}},
		{"not streamed", reply{kind: "application/json", body: `{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],` +
			`"usage":{"prompt_tokens":7,"completion_tokens":3}}`}, "Hi", Reply{Finish: Stop, Usage: usage}},
		{"any text", stream(delta("\u202e\"quotes\"\n`$(id)`"), chatStop, chatDone), "\u202e\"quotes\"\n`$(id)`", Reply{Finish: Stop}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, test.reply)
			text, got, err := run(t, server.provider(t, "openai"), question("hi"))
			if err != nil || text != test.text || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q %+v %v", text, got, err)
			}
		})
	}
}

func TestOpenAIToolCalls(t *testing.T) {
	t.Parallel()
	finish := `data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}`
	tests := []struct {
		name  string
		parts []string
		want  []Call
	}{
		{"in fragments", []string{
			`{"index":0,"id":"a","function":{"name":"clock","arguments":""}}`, `{"index":0,"function":{"arguments":"{\"time_"}}`,
			`{"index":1,"id":"b","function":{"name":"calculator","arguments":"{}"}}`, `{"index":0,"function":{"arguments":"zone\":\"UTC\"}"}}`,
		}, []Call{{"a", "clock", `{"time_zone":"UTC"}`, nil}, {"b", "calculator", "{}", nil}}},
		{"without index", []string{
			`{"id":"a","function":{"name":"clock","arguments":"{}"}}`, `{"id":"b","function":{"name":"clock","arguments":"{"}}`,
			`{"function":{"arguments":"}"}}`,
		}, []Call{{"a", "clock", "{}", nil}, {"b", "clock", "{}", nil}}},
		{"arguments as object", []string{`{"index":0,"id":"a","function":{"name":"clock","arguments":{"time_zone":"UTC"}}}`},
			[]Call{{"a", "clock", `{"time_zone":"UTC"}`, nil}}},
		{"name repeated", []string{
			`{"index":0,"id":"a","function":{"name":"clock"}}`, `{"index":0,"id":"a","function":{"name":"clock","arguments":"{}"}}`,
		}, []Call{{"a", "clock", "{}", nil}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for _, part := range test.parts {
				lines = append(lines, `data: {"choices":[{"delta":{"tool_calls":[`+part+`]}}]}`)
			}
			server := serveReplies(t, stream(append(lines, finish, chatDone)...))
			_, got, err := run(t, server.provider(t, "openai"), question("hi"))
			if err != nil || !reflect.DeepEqual(got.Calls, test.want) {
				t.Errorf("got %+v, %v", got.Calls, err)
			}
		})
	}
}

func TestOpenAICallsAreLimited(t *testing.T) {
	t.Parallel()
	var parts []string
	for range 100 {
		parts = append(parts, `{"id":"`+strings.Repeat("x", len(parts)+1)+`","function":{"name":"f","arguments":"{}"}}`)
	}
	server := serveReplies(t, stream(`data: {"choices":[{"delta":{"tool_calls":[`+strings.Join(parts, ",")+`]}}]}`, chatDone))
	_, got, err := run(t, server.provider(t, "openai"), question("hi"))
	if err != nil || len(got.Calls) != maxCalls {
		t.Errorf("%d calls, %v", len(got.Calls), err)
	}
}

func TestOpenAIRequest(t *testing.T) {
	t.Parallel()
	server := serveReplies(t, stream(chatStop, chatDone))
	request := question("hi")
	request.Functions = []Function{{Name: "clock", Description: "d", Schema: json.RawMessage(`{"type":"object"}`)}}
	request.NoCalls = true
	request.Messages = append(request.Messages,
		Message{Role: Assistant, Calls: []Call{{"a", "clock", "not json", nil}}},
		Message{Role: Tool, CallID: "a", Text: "noon"})
	if _, _, err := run(t, server.provider(t, "openai"), request); err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	_ = json.Unmarshal([]byte(`{"model":"m","stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"max_tokens":9,
		"tool_choice":"none","tools":[{"type":"function","function":{"name":"clock","description":"d","parameters":{"type":"object"}}}],
		"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"},
		{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}}]},
		{"role":"tool","content":"noon","tool_call_id":"a"}]}`), &want)
	if !reflect.DeepEqual(server.requests[0], want) {
		t.Errorf("sent %v", server.requests[0])
	}
	if server.headers[0].Get("Authorization") != "Bearer "+testKey || server.paths[0] != "/chat/completions" {
		t.Errorf("sent to %s with %v", server.paths[0], server.headers[0])
	}
}

func TestOpenAIWithoutToolsSendsNone(t *testing.T) {
	t.Parallel()
	server := serveReplies(t, stream(chatStop, chatDone))
	request := question("hi")
	request.NoCalls = true
	if _, _, err := run(t, server.provider(t, "openai"), request); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"tools", "tool_choice"} {
		if _, sent := server.requests[0][field]; sent {
			t.Errorf("%s was sent", field)
		}
	}
}

// A field that a server refuses is left out of later requests.
func TestOpenAIAdapts(t *testing.T) {
	t.Parallel()
	server := serveReplies(t,
		problem(400, `{"error":{"message":"Unsupported parameter","param":"max_tokens","code":"unsupported_parameter"}}`),
		problem(400, `{"error":{"message":"Unsupported value","param":"temperature","code":"unsupported_value"}}`),
		problem(422, `{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}`),
		stream(chatStop, chatDone), stream(chatStop, chatDone))
	provider := server.provider(t, "openai")
	for range 2 {
		if _, _, err := run(t, provider, question("hi")); err != nil {
			t.Fatal(err)
		}
	}
	if len(server.requests) != 5 {
		t.Fatalf("%d requests", len(server.requests))
	}
	for _, request := range server.requests[3:] {
		if _, sent := request["temperature"]; sent || request["max_completion_tokens"] != 9.0 || request["max_tokens"] != nil {
			t.Errorf("sent %v", request)
		}
	}
}

func TestOpenAIGivesUpAdapting(t *testing.T) {
	t.Parallel()
	refusal := func(name string) reply { return problem(400, `{"error":{"message":"unknown field `+name+`"}}`) }
	server := serveReplies(t, refusal("max_tokens"), refusal("max_completion_tokens"))
	_, _, err := run(t, server.provider(t, "openai"), question("hi"))
	if failure := typed(t, err); failure.Message != "unknown field max_tokens" || len(server.requests) != 2 {
		t.Errorf("%v after %d requests", err, len(server.requests))
	}
}

func TestOpenAIMaxCompletionTokens(t *testing.T) {
	t.Parallel()
	server := serveReplies(t, stream(chatStop, chatDone))
	p, err := New("openai", Settings{Code: "openai", BaseURL: server.URL, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, p, question("hi")); err != nil {
		t.Fatal(err)
	}
	if server.requests[0]["max_completion_tokens"] != 9.0 || server.headers[0].Get("Authorization") != "" {
		t.Errorf("sent %v %v", server.requests[0], server.headers[0])
	}
}
