package webchat

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agent.local/a0000000000000000/protocol"
)

// lookingAgent answers with the words and the images of all messages so far, and waits
// for an approval of the question "wait".
type lookingAgent struct{}

func (lookingAgent) Manifest() []byte { return []byte("{}") }

func (lookingAgent) Handle(_ context.Context, raw []byte, emit func([]byte) error) error {
	var request protocol.Request
	_ = json.Unmarshal(raw, &request)
	var seen []string
	for _, m := range request.Messages {
		words := m.Content
		for _, image := range m.Images {
			data, _ := base64.StdEncoding.DecodeString(image.Data)
			words += fmt.Sprintf("+%s", data[6:])
		}
		seen = append(seen, words)
	}
	done := map[string]string{"type": "done", "text": strings.Join(seen, "|"), "finish": "stop"}
	if last := request.Messages[len(request.Messages)-1]; last.Content == "wait" && request.Approval.Answers == nil {
		done["text"], done["finish"] = "", protocol.FinishApproval
	}
	event, _ := json.Marshal(done)
	return emit(event)
}

func picture(name string) protocol.Image {
	return protocol.Image{Data: base64.StdEncoding.EncodeToString([]byte("GIF89a" + name))}
}

type body = map[string]any

func postJSON(t *testing.T, url string, fields body) (int, body) {
	t.Helper()
	encoded, _ := json.Marshal(fields)
	response, err := http.Post(url, "application/json", strings.NewReader(string(encoded)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := body{}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// The page keeps the images, and the state what they are.
func TestPictures(t *testing.T) {
	t.Parallel()
	server := newServer(t, lookingAgent{})
	one, two, other := picture("one"), picture("two"), picture("other")
	_, first := postJSON(t, server.URL, body{"message": "a", "images": []any{one, two}})
	if first["text"] != "a+one+two" {
		t.Errorf("got %v", first)
	}
	const gone = "\n\n" + leftOut
	for _, test := range []struct {
		earlier []any
		want    string
	}{
		{[]any{two, one}, "a+one+two|a+one+two|b+other"},
		{[]any{two, other}, "a" + gone + "+two|a+one+two|b+other"},
		{nil, "a" + gone + "|a+one+two|b+other"},
	} {
		_, next := postJSON(t, server.URL, body{"message": "b", "state": first["state"], "images": []any{other}, "earlier": test.earlier})
		if next["text"] != test.want {
			t.Errorf("got %v, want %q", next["text"], test.want)
		}
	}
	_, silent := postJSON(t, server.URL, body{"images": []any{one}})
	if silent["text"] != "+one" {
		t.Errorf("got %v", silent)
	}
	// An answer to an approval brings the images of its question again.
	_, waiting := postJSON(t, server.URL, body{"message": "wait", "ask": true, "images": []any{one}})
	_, answered := postJSON(t, server.URL, body{"state": waiting["state"], "ask": true, "images": []any{one}, "answers": []any{body{"id": "1", "answer": "once"}}})
	if answered["text"] != "wait+one" {
		t.Errorf("got %v", answered)
	}
}

func TestRefusedPictures(t *testing.T) {
	t.Parallel()
	takes := newServer(t, lookingAgent{})
	many := make([]any, 9)
	for i := range many {
		many[i] = picture("x")
	}
	for _, test := range []struct {
		fields body
		want   string
	}{
		{body{"message": "a", "images": many}, "at most 8 images"},
		{body{"message": "a", "images": []any{body{"data": "PHN2Zz4="}}}, "not a PNG, JPEG, GIF or WebP file"},
		{body{"message": "a", "images": []any{body{"data": "%"}}}, "not valid base64"},
	} {
		status, answer := postJSON(t, takes.URL, test.fields)
		if message, _ := answer["message"].(string); status != http.StatusUnprocessableEntity || !strings.Contains(message, test.want) {
			t.Errorf("%d %v, want %q", status, answer, test.want)
		}
	}
	handler := Handler(lookingAgent{}, protocol.Manifest{}, newSealer(t))
	recorder := record(handler, body{"message": "a", "images": []any{picture("x")}})
	if recorder.Code != http.StatusUnprocessableEntity || !strings.Contains(recorder.Body.String(), "takes no images") {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
}

func record(handler http.Handler, fields body) *httptest.ResponseRecorder {
	encoded, _ := json.Marshal(fields)
	request := httptest.NewRequest(http.MethodPost, "/api/ask", strings.NewReader(string(encoded)))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}
