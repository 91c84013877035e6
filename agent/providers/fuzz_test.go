package providers

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"
)

// transportFunc answers requests without a network.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// parse reads body as the answer of a server.
func parse(t *testing.T, api, contentType string, body io.Reader) (string, Reply, error) {
	t.Helper()
	header := http.Header{"Content-Type": {contentType}}
	p, err := New(api, Settings{BaseURL: "http://model.test", Model: "m", Key: testKey, RetryPause: time.Nanosecond, Transport: transportFunc(
		func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(body)}, nil
		})})
	if err != nil {
		t.Fatal(err)
	}
	// The provider behind the second attempt, which would read on in the same body.
	text, reply, _, err := attempt(t, p)
	return text, reply, err
}

func attempt(t *testing.T, p Provider) (string, Reply, bool, error) {
	t.Helper()
	var text strings.Builder
	reply, streamed, err := p.(*retrier).attempt(t.Context(), question("hi"), func(piece string) error {
		if piece == "" || !isStorable(piece) {
			t.Errorf("streamed %q", piece)
		}
		text.WriteString(piece)
		return nil
	})
	return text.String(), reply, streamed, err
}

func isStorable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// seedQuirks adds the bodies of the corpus.
func seedQuirks(f *testing.F, api string) {
	f.Helper()
	file, err := os.Open("testdata/quirks.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q struct {
			API    string
			Pieces []string
		}
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			f.Fatal(err)
		}
		var body strings.Builder
		for _, piece := range q.Pieces {
			if encoded, found := strings.CutPrefix(piece, "hex:"); found {
				raw, _ := hex.DecodeString(encoded)
				piece = string(raw)
			}
			body.WriteString(piece)
		}
		if (q.API == "anthropic") == (api == "anthropic") {
			f.Add([]byte(body.String()))
		}
	}
}

// Whatever a server sends, the outcome is storable, and the same however the bytes
// arrive.
func fuzzStream(f *testing.F, api string) {
	f.Helper()
	seedQuirks(f, api)
	f.Fuzz(func(t *testing.T, body []byte) {
		text, reply, err := parse(t, api, "text/event-stream", strings.NewReader(string(body)))
		again, replyAgain, errAgain := parse(t, api, "text/event-stream", iotest.OneByteReader(strings.NewReader(string(body))))
		if text != again || !reflect.DeepEqual(reply, replyAgain) || (err == nil) != (errAgain == nil) {
			t.Errorf("whole: %q %+v %v\nbyte by byte: %q %+v %v", text, reply, err, again, replyAgain, errAgain)
		}
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || failure.Message == "" || !isStorable(failure.Message)) {
			t.Errorf("the error %#v", err)
		}
		for _, call := range reply.Calls {
			if !isStorable(call.ID) || !isStorable(call.Name) || !isStorable(call.Arguments) {
				t.Errorf("the call %q", call)
			}
			if object := objectText(call.Arguments); strings.Contains(object, `"\u0000"`) || !json.Valid([]byte(object)) {
				t.Errorf("the arguments %q", object)
			}
		}
	})
}

func FuzzChatStream(f *testing.F)    { fuzzStream(f, "openai") }
func FuzzMessageStream(f *testing.F) { fuzzStream(f, "anthropic") }

// What is overlooked without decoding a document is nothing that decoding it would find.
func FuzzShortWays(f *testing.F) {
	for _, document := range []string{
		`{"choices":[{"delta":{"content":"a"}}]}`, `{"id":"choices","data":{"usage":1}}`, `{"a":"\\\"","usage":{}}`, `[{"delta":1}]`,
		`{"object":"error","choices":[{}]}`, `{"Error":{"message":"no"},"choices":[{}]}`, `{"\u0063hoices":[{}]}`, `{"choices":[{}],"type":"error"}`,
		`{"error":"no","choices":[null]}`, `{"message":"no","choices":[null]}`,
	} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		if !json.Valid([]byte(document)) {
			return
		}
		if hasField(document, answerFields) && !isAnswer(document) {
			t.Errorf("%s has no field of an answer", document)
		}
		var chunk chatChunk
		if json.Unmarshal([]byte(document), &chunk) == nil && !chunk.mayBeFault() && isFault([]byte(document)) {
			t.Errorf("%s is an error", document)
		}
	})
}
