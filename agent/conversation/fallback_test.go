package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
)

func withFallback(t *testing.T, first []step, second ...step) (*Agent, *script, *script) {
	t.Helper()
	a, provider := sampleAgent(t, nil, first...)
	other := &script{steps: second}
	a.fallback = &fallback{config: config.Provider{Code: "groq", Model: "fast"}, provider: other}
	return a, provider, other
}

var overloaded = &providers.Error{Kind: providers.Unreachable, Status: 529, Message: "overloaded"}

func TestFallbackAnswersAndSaysWhy(t *testing.T) {
	t.Parallel()
	a, _, _ := withFallback(t, []step{fails(overloaded)}, answers("hi"))
	got, err := handle(t, a, hello)
	want := list(t, `
		{"type":"fallback","provider":"groq","model":"fast","code":"provider_unreachable","status":529,"reason":"overloaded"},
		{"type":"token","text":"hi"},
		{"type":"usage","input_tokens":10,"output_tokens":2,"models":[
			{"provider":"local","model":"sample","input_tokens":0,"output_tokens":0},
			{"provider":"groq","model":"fast","input_tokens":10,"output_tokens":2}]},
		{"type":"done","text":"hi","rounds":1,"finish":"stop"}`)
	want[2]["models"].([]any)[0].(map[string]any)["provider"] = a.config.Provider.Code
	want[2]["models"].([]any)[0].(map[string]any)["model"] = a.config.Provider.Model
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// What only the first provider understands does not go to the other.
func TestFallbackAmidToolsForgetsTheProvider(t *testing.T) {
	t.Parallel()
	call := providers.Call{ID: "call_AbCdEfGhIjKlMnOp", Name: "clock", Arguments: "{}", Extra: json.RawMessage(`{"google":1}`)}
	a, _, other := withFallback(t, []step{calls("", call), fails(overloaded)}, calls("", providers.Call{Name: "clock"}), answers("noon"))
	got, err := handle(t, a, hello)
	if err != nil || got[len(got)-1]["text"] != "noon" || len(other.requests) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	sent := other.requests[1].Messages
	earlier, result := sent[1], sent[2]
	if !earlier.Foreign || earlier.Reasoning != nil || earlier.Calls[0].Extra != nil || len(earlier.Calls[0].ID) != 9 || result.CallID != earlier.Calls[0].ID {
		t.Errorf("sent %+v", sent)
	}
	if own := sent[3]; own.Foreign || own.Calls[0].ID == earlier.Calls[0].ID {
		t.Errorf("sent %+v", own)
	}
}

func TestNoFallback(t *testing.T) {
	t.Parallel()
	begun := func(_ context.Context, onText func(string) error) (providers.Reply, error) {
		return providers.Reply{}, errors.Join(onText("Begun"), overloaded)
	}
	tests := map[string]struct {
		first, second step
		fault         error
		want          string
	}{
		"it failed too":      {fails(overloaded), fails(&providers.Error{Kind: providers.Refused, Message: "no"}), nil, "no (groq was asked because of this: overloaded)"},
		"it has no key":      {fails(overloaded), nil, errors.New("set K"), "overloaded (the fallback can't be asked: set K)"},
		"text was sent":      {begun, nil, nil, "overloaded"},
		"not the provider's": {fails(errors.New("odd")), nil, nil, "odd"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _, _ := withFallback(t, []step{test.first}, test.second)
			a.fallback.err = test.fault
			_, err := handle(t, a, hello)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The key that is missing is the first provider's only.
func TestFallbackWithoutTheFirstKey(t *testing.T) {
	t.Parallel()
	blueprint := func(section string) []byte {
		raw := `{"schema":1,"identity":{"name":"A","handle":"a","type":"assistant","description":"","version":"1.0.0"},
			"provider":{"code":"openai","api":"test","base_url":"http://127.0.0.1:9","key_env":"K","base_url_env":"","model":"m"},
			"personality":{"preset":"","traits":[],"communication_style":"","tone":"","response_length":"","creativity":0,"custom_instructions":""},
			"system_prompt":"","sampling":{"temperature":0,"max_tokens":9},"capabilities":{"memory":{"enabled":false,"turns":1},"tools":[]},
			"limits":{"tool_rounds":0,"seconds":9,"memory_mb":128}` + section + `}`
		return []byte(raw)
	}
	second := `,"fallback":{"code":"groq","api":"test","base_url":"http://127.0.0.1:9","key_env":"F","base_url_env":"","model":"m"}`
	noKey := func(string) string { return "" }
	if _, err := handle(t, New(blueprint(""), noKey), hello); err == nil || !strings.Contains(err.Error(), "set K") {
		t.Errorf("got %v", err)
	}
	if _, err := handle(t, New(blueprint(second), noKey), hello); err == nil || !strings.Contains(err.Error(), "set K") {
		t.Errorf("got %v", err)
	}
	only := func(name string) string {
		return map[string]string{"F": "secret"}[name]
	}
	events, err := handle(t, New(blueprint(second), only), hello)
	if err != nil || events[0]["type"] != "fallback" || events[0]["code"] != "no_key" {
		t.Errorf("got %v, %v", events, err)
	}
}

func init() {
	providers.Register("test", func(providers.Settings) providers.Provider { return &script{steps: []step{answers("ok")}} })
}
