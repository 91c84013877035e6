package providers

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestResponseFormat(t *testing.T) {
	t.Parallel()
	o := newOpenAI(Settings{Model: "m"}).(*openAI)
	for want, format := range map[string]*Format{
		`"response_format":{"type":"json_object"}`: {},
		`"response_format":{"json_schema":{"name":"n","schema":{"type":"object"},"strict":true},"type":"json_schema"}`: {
			Name: "n", Schema: json.RawMessage(`{"type":"object"}`), Strict: true,
		},
	} {
		body, err := json.Marshal(o.body(Request{Format: format}, dialect{}))
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s, %v", body, err)
		}
		if body, _ := json.Marshal(o.body(Request{Format: format}, dialect{noFormat: true})); strings.Contains(string(body), "response_format") {
			t.Errorf("%s", body)
		}
	}
	refusal := &Error{Status: 400, Message: "response_format is not supported with tools"}
	if d, ok := (dialect{}).adapt(refusal); !ok || !d.noFormat {
		t.Errorf("%+v", d)
	}
}

// A server that knows no schemas is asked for an object; Anthropic gets schemas without
// other properties only.
func TestFormatByProvider(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{"type":"object"}`)
	encode := func(body any) string {
		text, _ := json.Marshal(body)
		return string(text)
	}
	deepSeek := newOpenAI(Settings{AnyObject: true}).(*openAI)
	if body := encode(deepSeek.body(Request{Format: &Format{Schema: schema, Strict: true}}, dialect{})); !strings.Contains(body, `"response_format":{"type":"json_object"}`) {
		t.Errorf("sent %s", body)
	}
	claude := newAnthropic(Settings{}).(*anthropic)
	sent := `"output_config":{"format":{"schema":{"type":"object"},"type":"json_schema"}}`
	for _, test := range []struct {
		format  *Format
		dialect messagesDialect
		want    bool
	}{
		{&Format{Schema: schema, Strict: true}, messagesDialect{}, true},
		{&Format{Schema: schema}, messagesDialect{}, false},
		{&Format{Strict: true}, messagesDialect{}, false},
		{&Format{Schema: schema, Strict: true}, messagesDialect{noFormat: true}, false},
		{nil, messagesDialect{}, false},
	} {
		if body := encode(claude.body(Request{Format: test.format}, test.dialect)); strings.Contains(body, sent) != test.want || strings.Contains(body, "output_config") != test.want {
			t.Errorf("%+v: sent %s", test, body)
		}
	}
	adapted, ok := messagesDialect{}.adapt(&Error{Status: 400, Message: "output_config.format: Extra inputs are not permitted"})
	if !ok || !adapted.noFormat {
		t.Errorf("adapted to %+v", adapted)
	}
}
