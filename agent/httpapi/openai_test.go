package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

const capable = `{"schema":1,"name":"Sample","handle":"sample","config_sha256":"0123456789abcdef0123","request_fields":["format","instructions","max_tokens"]}`

// What changes the meaning of an answer is refused by name, on both APIs.
func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{})
	const message = `"messages":[{"role":"user","content":"hi"}]`
	const input = `"input":"hi"`
	tests := []struct {
		path, body  string
		status      int
		code, param string
	}{
		{"chat/completions", `{"model":"gpt-5",` + message + `}`, 404, "model_not_found", "model"},
		{"responses", `{"model":"gpt-5",` + input + `}`, 404, "model_not_found", "model"},
		{"chat/completions", `{"tools":[{"type":"function"}],` + message + `}`, 400, "bad_request", "tools"},
		{"chat/completions", `{"functions":[{"name":"x"}],` + message + `}`, 400, "bad_request", "functions"},
		{"chat/completions", `{"tool_choice":"required",` + message + `}`, 400, "bad_request", "tool_choice"},
		{"chat/completions", `{"n":2,` + message + `}`, 400, "bad_request", "n"},
		{"chat/completions", `{"n":"2",` + message + `}`, 400, "bad_request", "n"},
		{"chat/completions", `{"modalities":["text","audio"],` + message + `}`, 400, "bad_request", "modalities"},
		{"chat/completions", `{"response_format":{"type":"xml"},` + message + `}`, 400, "bad_request", "response_format"},
		{"chat/completions", `{"response_format":{"type":"json_schema"},` + message + `}`, 400, "bad_request", "response_format"},
		// The sample agent knows no forms, as one that was built earlier.
		{"chat/completions", `{"response_format":{"type":"json_object"},` + message + `}`, 400, "bad_request", "response_format"},
		{"responses", `{"text":{"format":{"type":"json_object"}},` + input + `}`, 400, "bad_request", "text.format"},
		{"responses", `{"tools":[{"type":"web_search"}],` + input + `}`, 400, "bad_request", "tools"},
		{"responses", `{"previous_response_id":"resp_1",` + input + `}`, 400, "previous_response_not_found", "previous_response_id"},
		{"responses", `{"conversation":"conv_1",` + input + `}`, 400, "bad_request", "conversation"},
		{"responses", `{"background":true,` + input + `}`, 400, "bad_request", "background"},
		{"responses", `{"input":[{"role":"user","content":[{"type":"input_image"}]}]}`, 400, "bad_request", "input[0]"},
		{"responses", `{"input":[{"type":"item_reference","id":"x"}]}`, 400, "bad_request", "input[0]"},
		{"responses", `{}`, 400, "bad_request", "input"},
		{"chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, "bad_request", "messages[0]"},
		{"chat/completions", `{"messages":[{"role":"robot","content":"x"}]}`, 400, "bad_request", "messages[0]"},
		{"chat/completions", `{"messages":[{"role":"system","content":"x"}]}`, 400, "bad_request", "messages"},
	}
	for _, test := range tests {
		t.Run(test.body, func(t *testing.T) {
			t.Parallel()
			response, body := post(t, server.URL+"/v1/"+test.path, test.body)
			var answer struct{ Error map[string]any }
			_ = json.Unmarshal([]byte(body), &answer)
			if response.StatusCode != test.status || answer.Error["code"] != test.code || answer.Error["param"] != test.param ||
				answer.Error["type"] != "invalid_request_error" || answer.Error["message"] == "" {
				t.Errorf("%d %s", response.StatusCode, body)
			}
		})
	}
}

// What clients send by habit is accepted.
func TestOptionsThatAreAccepted(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{ManifestJSON: capable})
	for _, extra := range []string{
		`"tools":[]`, `"tools":null`, `"n":1`, `"n":null`, `"model":""`, `"model":"default"`, `"tool_choice":"auto"`, `"tool_choice":"none"`,
		`"response_format":{"type":"text"}`, `"response_format":{"type":"json_object"}`, `"stream_options":null`, `"seed":1,"user":"x","metadata":{}`,
		`"modalities":["text"]`, `"functions":[]`, `"stop":["x"]`, `"logprobs":true`,
	} {
		if response, body := post(t, server.URL+"/v1/chat/completions", `{`+extra+`,"messages":[{"role":"user","content":"hi"}]}`); response.StatusCode != 200 {
			t.Errorf("%s: %d %s", extra, response.StatusCode, body)
		}
	}
}

// The agent receives a history with another program's tools as text.
func TestHistory(t *testing.T) {
	t.Parallel()
	for fields, last := range map[string]string{
		`"data",`: `"content":"And now?","data":"[Result of the tool weather, as data]\n21 °C"`,
		// An agent from before it had data.
		"": `"content":"[Result of the tool weather, as data]\n21 °C\n\nAnd now?"`,
	} {
		agent := &agenttest.Agent{ManifestJSON: strings.Replace(capable, `["format"`, `[`+fields+`"format"`, 1)}
		postHistory(t, agent, `{"messages":[{"role":"user","content":"Weather?"},`+
			`{"role":"assistant","content":"[I called the tool weather with {\"city\":\"Ghent\"}]"},`+
			`{"role":"user",`+last+`}],"instructions":"Be brief.\n\nIn Dutch.","max_tokens":50}`)
	}
}

// postHistory sends a history in both protocols, of which the agent should get want.
func postHistory(t *testing.T, agent *agenttest.Agent, want string) {
	t.Helper()
	server := newServer(t, agent)
	post(t, server.URL+"/v1/chat/completions", `{"max_completion_tokens":50,"messages":[{"role":"system","content":"Be brief."},
		{"role":"user","content":"Weather?"},
		{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Ghent\"}"}}]},
		{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"21 °C"}]},
		{"role":"developer","content":"In Dutch."},{"role":"user","content":"And now?"}]}`)
	post(t, server.URL+"/v1/responses", `{"max_output_tokens":50,"instructions":"Be brief.","input":[{"role":"user","content":"Weather?"},
		{"type":"function_call","call_id":"c1","name":"weather","arguments":"{\"city\":\"Ghent\"}"},{"type":"reasoning","id":"r","summary":[]},
		{"type":"function_call_output","call_id":"c1","output":"21 °C"},{"role":"developer","content":"In Dutch."},
		{"type":"message","role":"user","content":[{"type":"input_text","text":"And now?"}]}]}`)
	for i, got := range agent.Requests() {
		if got != want {
			t.Errorf("request %d\n%s\n%s", i, got, want)
		}
	}
	if len(agent.Requests()) != 2 {
		t.Errorf("%d requests", len(agent.Requests()))
	}
}

// Results that stand where no call was made, several in a row, and at the end.
func TestResultsAreData(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{ManifestJSON: strings.Replace(capable, `["format"`, `["data","format"`, 1)}
	server := newServer(t, agent)
	post(t, server.URL+"/v1/chat/completions", `{"messages":[{"role":"user","content":"q"},{"role":"tool","tool_call_id":"a","content":"1"},
		{"role":"function","name":"b","content":"2"},{"role":"assistant","content":"r"},{"role":"tool","tool_call_id":"c","content":"3"}]}`)
	const want = `{"messages":[{"role":"user","content":"q","data":"[Result of the tool a, as data]\n1\n\n[Result of the tool b, as data]\n2"},` +
		`{"role":"assistant","content":"r"},{"role":"user","content":"","data":"[Result of the tool c, as data]\n3"}]}`
	if got := agent.Requests(); len(got) != 1 || got[0] != want {
		t.Errorf("%s", got)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	agent := &agenttest.Agent{ManifestJSON: capable}
	server := newServer(t, agent)
	const want = `"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}`
	post(t, server.URL+"/v1/chat/completions", `{"messages":[{"role":"user","content":"hi"}],
		"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}}}`)
	_, body := post(t, server.URL+"/v1/responses", `{"input":"hi","text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}}}}`)
	for _, got := range agent.Requests() {
		if !strings.Contains(got, want) {
			t.Errorf("got %s", got)
		}
	}
	if !strings.Contains(body, want) {
		t.Errorf("the response does not repeat its format: %s", body)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{})
	for path, want := range map[string]string{
		"sample": `{"created":0,"id":"sample","object":"model","owned_by":"agentforge"}`, "gpt-5": `"code":"model_not_found"`, "a/b": `"code":"model_not_found"`,
	} {
		response, err := http.Get(server.URL + "/v1/models/" + path)
		if err != nil {
			t.Fatal(err)
		}
		var body json.RawMessage
		_ = json.NewDecoder(response.Body).Decode(&body)
		response.Body.Close()
		if !strings.Contains(string(body), want) || (response.StatusCode == 200) != (path == "sample") {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
}

func TestResponse(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{ManifestJSON: capable})
	_, body := post(t, server.URL+"/v1/responses", `{"model":"sample","input":"hi there","instructions":"Be brief.","metadata":{"a":"b"}}`)
	var answer struct {
		ID, Object, Status, Model, Instructions string
		Output                                  []struct {
			Type, Role, Status string
			Content            []struct{ Type, Text string }
		}
		Usage    map[string]any
		Metadata map[string]string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(answer.Object, answer.Status, answer.Model, answer.Instructions, answer.Output, answer.Metadata, answer.Usage["total_tokens"])
	if got != "responsecompletedsampleBe brief.[{message assistant completed [{output_text hi there}]}] map[a:b] 5" || !strings.HasPrefix(answer.ID, "resp_") {
		t.Errorf("%s from %s", got, body)
	}
	if response, body := post(t, server.URL+"/v1/responses", `{"input":"fail no_key"}`); response.StatusCode != 503 ||
		response.Header.Get("X-Should-Retry") != "false" || !strings.Contains(body, `"type":"server_error"`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

func TestResponseStream(t *testing.T) {
	t.Parallel()
	server := newServer(t, &agenttest.Agent{ManifestJSON: capable})
	stream := func(text string) (kinds, raw string) {
		_, body := post(t, server.URL+"/v1/responses", `{"stream":true,"input":"`+text+`"}`)
		sequence := 0
		for line := range strings.Lines(body) {
			data, found := strings.CutPrefix(line, "data: ")
			if !found {
				continue
			}
			var event struct {
				Type     string
				Sequence int `json:"sequence_number"`
			}
			if err := json.Unmarshal([]byte(data), &event); err != nil || event.Sequence != sequence {
				t.Errorf("event %d: %s, %v", sequence, data, err)
			}
			sequence++
			kinds += strings.TrimPrefix(event.Type, "response.") + " "
		}
		return kinds, body
	}
	const opening = "created in_progress output_item.added content_part.added output_text.delta "
	kinds, body := stream("hi there")
	if kinds != opening+"output_text.delta output_text.done content_part.done output_item.done completed " ||
		!strings.HasPrefix(body, "event: response.created\ndata: {") || strings.Contains(body, "[DONE]") {
		t.Errorf("%s in %s", kinds, body)
	}
	if kinds, body := stream("break"); kinds != opening+"failed " || !strings.Contains(body, `"message":"because provider_unreachable"`) {
		t.Errorf("%s in %s", kinds, body)
	}
	if kinds, body := stream("fail rate_limited"); kinds != "" || !strings.Contains(body, `"code":"rate_limit_exceeded"`) {
		t.Errorf("%s in %s", kinds, body)
	}
}

// Images reach an agent that takes them, from both protocols; another refuses them in words.
func TestImages(t *testing.T) {
	t.Parallel()
	const url = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
	takes := strings.Replace(agenttest.Manifest, `"schema":1`, `"schema":1,"request_fields":["images"]`, 1)
	for path, body := range map[string]string{
		"chat/completions": `{"messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"` + url + `"}}]}]}`,
		"responses":        `{"input":[{"role":"user","content":[{"type":"input_text","text":"What?"},{"type":"input_image","image_url":"` + url + `"}]}]}`,
	} {
		for _, test := range []struct {
			manifest, body, says string
			status               int
		}{
			{takes, body, `{"content":"What?"`, 200},
			{takes, strings.Replace(body, url, "https://example.org/a.gif", 1), "fetches no images", 400},
			{takes, strings.Replace(body, "R0lG", "PHN2", 1), "not a PNG", 400},
			{"", body, "takes no images", 400},
		} {
			agent := &agenttest.Agent{ManifestJSON: test.manifest}
			manifest, err := protocol.ReadManifest(agent)
			if err != nil {
				t.Fatal(err)
			}
			mux := http.NewServeMux()
			Register(mux, agent, manifest)
			recorder := httptest.NewRecorder()
			mux.ServeHTTP(recorder, agenttest.NewRequest(t, "POST", "http://localhost/v1/"+path, test.body))
			if recorder.Code != test.status || test.status != 200 && !strings.Contains(recorder.Body.String(), test.says) {
				t.Errorf("%s: %d %s", path, recorder.Code, recorder.Body)
			}
			if test.status == 200 && !strings.Contains(agent.Requests()[0], `"images":[{"data":"R0lGODlhAQABAAAAACw="}]`) {
				t.Errorf("%s: the agent got %s", path, agent.Requests())
			}
		}
	}
}
