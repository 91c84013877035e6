package webchat

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"agent.local/a0000000000000000/protocol"
)

// askingAgent waits for an approval of each question, and answers with the answer.
type askingAgent struct{}

func (askingAgent) Manifest() []byte { return []byte("{}") }

func (askingAgent) Handle(_ context.Context, raw []byte, emit func([]byte) error) error {
	var request protocol.Request
	if err := json.Unmarshal(raw, &request); err != nil {
		return err
	}
	question := request.Messages[len(request.Messages)-1].Content
	switch a := request.Approval; {
	case a == nil:
		return emit([]byte(`{"type":"done","text":"nobody can be asked","finish":"stop"}`))
	case len(a.Answers) == 0:
		_ = emit([]byte(`{"type":"approval","id":"a1","tool":"facts_save","arguments":{"text":"x"}}`))
		return emit([]byte(`{"type":"done","text":"","finish":"approval","state":"pending ` + question + `"}`))
	default:
		return emit([]byte(`{"type":"done","text":"` + a.Answers[0].Answer + `, ` + a.State + `","finish":"stop","state":"settled"}`))
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	server := newServer(t, askingAgent{})
	post := func(body map[string]any) (int, map[string]any) {
		t.Helper()
		encoded, _ := json.Marshal(body)
		response, err := http.Post(server.URL, "application/json", strings.NewReader(string(encoded)))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, answer
	}
	yes := []protocol.Answer{{ID: "a1", Answer: "once"}}

	if _, answer := post(map[string]any{"message": "one"}); answer["text"] != "nobody can be asked" {
		t.Errorf("%v", answer)
	}
	_, waiting := post(map[string]any{"message": "one", "ask": true})
	if asked, _ := waiting["approvals"].([]any); len(asked) != 1 {
		t.Fatalf("%v", waiting)
	}
	_, answer := post(map[string]any{"state": waiting["state"], "ask": true, "answers": yes})
	if answer["text"] != "once, pending one" {
		t.Errorf("%v", answer)
	}
	c, err := stateCodec{newSealer(t)}.decode(answer["state"].(string))
	if err != nil || len(c.Messages) != 2 || c.Agent != "settled" || c.Waits {
		t.Errorf("%+v, %v", c, err)
	}
	// Another question takes the place of the one that waits.
	_, other := post(map[string]any{"message": "two", "state": waiting["state"], "ask": true})
	if c, _ := (stateCodec{newSealer(t)}).decode(other["state"].(string)); len(c.Messages) != 1 || c.Messages[0].Content != "two" {
		t.Errorf("%+v", c)
	}
	for _, state := range []any{"", answer["state"]} {
		if status, refused := post(map[string]any{"state": state, "ask": true, "answers": yes}); status != http.StatusConflict {
			t.Errorf("%d %v", status, refused)
		}
	}
}

func TestApprovalInAStream(t *testing.T) {
	t.Parallel()
	server := newServer(t, askingAgent{})
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"message":"one","ask":true}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", stream)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	_ = response.Write(&text)
	if !strings.Contains(text.String(), `"type":"approval","id":"a1"`) || !strings.Contains(text.String(), `"finish":"approval"`) {
		t.Error(text.String())
	}
}
