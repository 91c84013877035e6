package providers

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const responsesDone = `data: {"type":"response.completed","response":{"object":"response","status":"completed","error":null,` +
	`"output":[],"usage":{"input_tokens":7,"output_tokens":3}}}`

func outputDelta(text string) string {
	encoded, _ := json.Marshal(text)
	return "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","output_index":0,"delta":` + string(encoded) + `}`
}

func itemDone(item string) string {
	return `data: {"type":"response.output_item.done","output_index":0,"item":` + item + `}`
}

func TestResponsesStreams(t *testing.T) {
	t.Parallel()
	usage := Usage{Input: 7, Output: 3}
	created := `data: {"type":"response.created","response":{"object":"response","status":"in_progress","error":null,"output":[]}}`
	cutBy := func(reason string) string {
		return `data: {"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"` + reason + `"}}}`
	}
	tests := []struct {
		name  string
		reply reply
		text  string
		want  Reply
	}{
		{"plain", stream(created, outputDelta("Hel"), outputDelta("lo"), itemDone(`{"type":"message","content":[{"type":"output_text","text":"Hello"}]}`), responsesDone),
			"Hello", Reply{Finish: Stop, Usage: usage}},
		{"length", stream(created, outputDelta("Hi"), cutBy("max_output_tokens")), "Hi", Reply{Finish: Length}},
		{"filtered", stream(created, cutBy("content_filter")), "", Reply{Finish: Filtered}},
		{"refusal", stream(`data: {"type":"response.refusal.delta","delta":"No."}`, responsesDone), "No.", Reply{Finish: Stop, Usage: usage}},
		{"reasoning", stream(`data: {"type":"response.reasoning_summary_text.delta","delta":"Hm"}`, outputDelta("Hi"), responsesDone),
			"Hi", Reply{Finish: Stop, Usage: usage, Reasoned: true}},
		{"unknown events", stream(`data: {"type":"response.new_thing","x":1}`, outputDelta("Hi"), responsesDone), "Hi", Reply{Finish: Stop, Usage: usage}},
		{"not streamed", reply{kind: "application/json", body: `{"object":"response","status":"completed","error":null,"output":[{"type":"message",` +
			`"content":[{"type":"output_text","text":"Hi"}]}],"usage":{"input_tokens":7,"output_tokens":3}}`}, "Hi", Reply{Finish: Stop, Usage: usage}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, test.reply)
			text, got, err := run(t, server.provider(t, "responses"), question("hi"))
			if err != nil || text != test.text || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q %+v %v", text, got, err)
			}
		})
	}
}

func TestResponsesErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply reply
		want  string
	}{
		"failed":  {stream(`data: {"type":"response.failed","response":{"status":"failed","error":{"code":"model_not_found","message":"no such model"}}}`), "no such model"},
		"error":   {stream(`data: {"type":"error","code":"bad","message":"odd"}`), "odd"},
		"cut":     {stream(outputDelta("Hi")), "before the answer was complete"},
		"refused": {problem(404, `{"error":{"message":"not this model","code":"model_not_found"}}`), "not this model"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveReplies(t, test.reply)
			if _, _, err := run(t, server.provider(t, "responses"), question("hi")); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What the model thought between its calls goes back as it came, in its order.
func TestResponsesItemsGoBackVerbatim(t *testing.T) {
	t.Parallel()
	thought := `{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA=="}`
	call := `{"type":"function_call","id":"fc_1","call_id":"call_1","name":"clock","arguments":"{}","status":"completed"}`
	server := serveReplies(t, stream(itemDone(thought), itemDone(call), responsesDone), stream(outputDelta("noon"), responsesDone),
		stream(outputDelta("noon"), responsesDone))
	provider := server.provider(t, "responses")
	request := question("hi")
	request.Functions = []Function{{Name: "clock", Schema: json.RawMessage(`{}`)}}
	_, got, err := run(t, provider, request)
	if want := []Call{{"call_1", "clock", "{}", nil}}; err != nil || !reflect.DeepEqual(got.Calls, want) || !got.Reasoned {
		t.Fatalf("got %+v, %v", got, err)
	}
	request.Messages = append(request.Messages,
		Message{Role: Assistant, Calls: got.Calls, Reasoning: got.Reasoning}, Message{Role: Tool, CallID: "call_1", Text: "12:00"})
	if _, _, err := run(t, provider, request); err != nil {
		t.Fatal(err)
	}
	sent, _ := json.Marshal(server.requests[1]["input"])
	want := `[{"content":"hi","role":"user"},` + sorted(t, thought) + `,` + sorted(t, call) + `,{"call_id":"call_1","output":"12:00","type":"function_call_output"}]`
	if string(sent) != want || server.requests[1]["store"] != false || server.paths[1] != "/responses" {
		t.Errorf("sent %s", sent)
	}
	// A call with another id is no longer that item.
	request.Messages[1].Calls[0].ID, request.Messages[2].CallID = "other", "other"
	if _, _, err := run(t, provider, request); err != nil {
		t.Fatal(err)
	}
	if sent, _ := json.Marshal(server.requests[2]["input"]); strings.Contains(string(sent), "rs_1") || !strings.Contains(string(sent), `"call_id":"other"`) {
		t.Errorf("sent %s", sent)
	}
}

func sorted(t *testing.T, object string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(object), &value); err != nil {
		t.Fatal(err)
	}
	encoded, _ := json.Marshal(value)
	return string(encoded)
}

func TestResponsesLeavesOutWhatWasRefused(t *testing.T) {
	t.Parallel()
	server := serveReplies(t,
		problem(400, `{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model.","param":"temperature","code":"unsupported_parameter"}}`),
		problem(400, `{"error":{"message":"Encrypted content is not supported with this model.","param":"include","code":"invalid_request_error"}}`),
		stream(outputDelta("Hi"), responsesDone), stream(outputDelta("Hi"), responsesDone))
	provider := server.provider(t, "responses")
	for range 2 {
		if text, _, err := run(t, provider, question("hi")); err != nil || text != "Hi" {
			t.Fatalf("got %q, %v", text, err)
		}
	}
	if last := server.requests[3]; len(server.requests) != 4 || last["temperature"] != nil || last["include"] != nil {
		t.Errorf("sent %v", last)
	}
}
