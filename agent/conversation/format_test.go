package conversation

import (
	"context"
	"strings"
	"testing"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
)

func formatted(format string) string {
	return `{"messages":[{"role":"user","content":"Where?"}],"format":` + format + `}`
}

const citySchema = `{"type":"json_schema","name":"place","strict":true,"schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}`

// An answer in the requested form is checked, repaired once, and sent as one piece.
func TestFormat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, format, first, second string
		want, code                  string
		asked                       int
	}{
		{"fits", citySchema, `{"city": "Ghent"}`, "", `{"city": "Ghent"}`, "", 1},
		{"in a Markdown block", citySchema, "```json\n{\"city\":\"Ghent\"}\n```", "", `{"city":"Ghent"}`, "", 1},
		{"repaired", citySchema, `It is Ghent.`, `{"city":"Ghent"}`, `{"city":"Ghent"}`, "", 2},
		{"wrong twice", citySchema, `{"city":1}`, `{"town":"Ghent"}`, "", codeFormat, 2},
		{"any object", `{"type":"json_object"}`, `[1]`, `{"a":1}`, `{"a":1}`, "", 2},
		{"text", `{"type":"text"}`, `It is Ghent.`, "", `It is Ghent.`, "", 1},
		{"none", `null`, `It is Ghent.`, "", `It is Ghent.`, "", 1},
		{"unknown", `{"type":"yaml"}`, "", "", "", codeBadRequest, 0},
		{"no schema", `{"type":"json_schema"}`, "", "", "", codeBadRequest, 0},
		{"bad schema", `{"type":"json_schema","schema":{"type":"text"}}`, "", "", "", codeBadRequest, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, provider := sampleAgent(t, nil, answers(test.first[:len(test.first)/2], test.first[len(test.first)/2:]), answers(test.second))
			events, err := handle(t, a, formatted(test.format))
			last := events[len(events)-1]
			if (err != nil) != (test.code != "") || test.code != "" && last["code"] != test.code || test.code == "" && last["text"] != test.want {
				t.Fatalf("got %v, %v", events, err)
			}
			if len(provider.requests) != test.asked {
				t.Errorf("asked %d times", len(provider.requests))
			}
			if test.asked == 2 && !strings.Contains(provider.requests[1].Messages[2].Text, "does not have the requested form") {
				t.Errorf("the repair: %+v", provider.requests[1].Messages)
			}
		})
	}
}

// A provider learns the form by its protocol and in words.
func TestFormatSent(t *testing.T) {
	t.Parallel()
	a, provider := sampleAgent(t, nil, answers(`{"city":"Ghent"}`))
	if _, err := handle(t, a, formatted(citySchema)); err != nil {
		t.Fatal(err)
	}
	sent := provider.requests[0]
	if sent.Format == nil || sent.Format.Name != "place" || !sent.Format.Strict || !strings.Contains(sent.System, `"required":["city"]`) {
		t.Errorf("sent %+v", sent)
	}
}

// A cut answer is delivered as it is, and said to be cut.
func TestFormatCut(t *testing.T) {
	t.Parallel()
	cut := answers(`{"city":"Gh`)
	a, _ := sampleAgent(t, nil, func(ctx context.Context, onText func(string) error) (providers.Reply, error) {
		reply, err := cut(ctx, onText)
		reply.Finish = providers.Length
		return reply, err
	})
	events, err := handle(t, a, formatted(citySchema))
	if last := events[len(events)-1]; err != nil || last["finish"] != "length" || last["text"] != `{"city":"Gh` {
		t.Errorf("got %v, %v", events, err)
	}
}

func TestCallersInstructions(t *testing.T) {
	t.Parallel()
	a, provider := sampleAgent(t, nil, answers("Ja."))
	request := `{"messages":[{"role":"user","content":"hi"}],"instructions":"Speak Dutch.","max_tokens":20}`
	if _, err := handle(t, a, request); err != nil {
		t.Fatal(err)
	}
	sent := provider.requests[0]
	if !strings.HasPrefix(sent.System, a.config.SystemPrompt) || !strings.HasSuffix(sent.System, "\nSpeak Dutch.") || sent.MaxTokens != 20 {
		t.Errorf("sent %+v", sent)
	}
}

// An agent with a form of its own answers in it, unless a request names another.
func TestOwnFormat(t *testing.T) {
	t.Parallel()
	own, err := formatOf(config.Answer{Schema: `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, request, answer, says string }{
		{"own", formatted("null"), `{"city":"Ghent"}`, ""},
		{"text is the own one too", formatted(`{"type":"text"}`), `{"city":"Ghent"}`, ""},
		{"another", formatted(`{"type":"json_object"}`), `{"town":"Ghent"}`, "another form than the one above"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, provider := sampleAgent(t, nil, answers("Ghent."), answers(test.answer))
			a.format = own
			events, err := handle(t, a, test.request)
			if last := events[len(events)-1]; err != nil || last["text"] != test.answer || len(provider.requests) != 2 {
				t.Fatalf("got %v, %v", events, err)
			}
			sent := provider.requests[0]
			if sent.Format == nil || sent.Format.Strict != (test.says == "") || !strings.HasSuffix(sent.System, a.config.SystemPrompt) == (test.says == "") ||
				!strings.Contains(sent.System, test.says) {
				t.Errorf("sent %+v", sent)
			}
		})
	}
	if _, err := formatOf(config.Answer{Schema: `{"type":"word"}`}); err == nil || !strings.Contains(err.Error(), "agent.json: answer") {
		t.Errorf("a wrong schema: %v", err)
	}
}
