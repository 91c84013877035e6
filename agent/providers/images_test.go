package providers

import (
	"encoding/json"
	"strings"
	"testing"
)

// Each protocol has a form of its own for images, and text stays text without them.
func TestImages(t *testing.T) {
	t.Parallel()
	bodies := map[string]func(Request) any{
		"openai":    func(r Request) any { return newOpenAI(Settings{}).(*openAI).body(r, dialect{}) },
		"anthropic": func(r Request) any { return newAnthropic(Settings{}).(*anthropic).body(r, messagesDialect{}) },
		"responses": func(r Request) any { return newResponses(Settings{}).(*responses).body(r, responsesDialect{}) },
	}
	for api, want := range map[string]string{
		"openai":    `[{"text":"What?","type":"text"},{"image_url":{"url":"data:image/png;base64,AAAA"},"type":"image_url"}]`,
		"anthropic": `[{"type":"image","source":{"data":"AAAA","media_type":"image/png","type":"base64"}},{"type":"text","text":"What?"}]`,
		"responses": `[{"text":"What?","type":"input_text"},{"image_url":"data:image/png;base64,AAAA","type":"input_image"}]`,
	} {
		m := Message{Role: User, Text: "What?", Images: []Image{{"image/png", "AAAA"}}}
		encoded, err := json.Marshal(bodies[api](Request{Messages: []Message{m}}))
		if err != nil || !strings.Contains(string(encoded), `"content":`+want) {
			t.Errorf("%s sends %s, %v", api, encoded, err)
		}
		m.Text = " "
		if encoded, _ := json.Marshal(bodies[api](Request{Messages: []Message{m}})); strings.Contains(string(encoded), `"text":`) || !strings.Contains(string(encoded), "AAAA") {
			t.Errorf("%s sends %s without a question", api, encoded)
		}
		m.Text, m.Images = "What?", nil
		if encoded, _ := json.Marshal(bodies[api](Request{Messages: []Message{m}})); strings.Contains(string(encoded), "image") {
			t.Errorf("%s sends %s", api, encoded)
		}
	}
}

func TestExplainImages(t *testing.T) {
	t.Parallel()
	refusal := &Error{Status: 400, Message: "image input is not supported"}
	with := Request{Messages: []Message{{Images: []Image{{}}}}}
	if err := explainImages(with, refusal); !strings.Contains(err.Error(), "choose a model that does") {
		t.Errorf("%v", err)
	}
	refusal = &Error{Status: 400, Message: "image input is not supported"}
	if err := explainImages(Request{}, refusal); strings.Contains(err.Error(), "choose a model") {
		t.Errorf("%v", err)
	}
}
