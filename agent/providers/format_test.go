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
