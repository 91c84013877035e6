package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

// eventAgent emits its events and returns err.
type eventAgent struct {
	events []string
	err    error
}

func (eventAgent) Manifest() []byte { return []byte("{}") }

func (a eventAgent) Handle(_ context.Context, _ []byte, emit func([]byte) error) error {
	for _, event := range a.events {
		if err := emit([]byte(event)); err != nil {
			return err
		}
	}
	return a.err
}

func TestHandle(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	tests := []struct {
		name     string
		agent    eventAgent
		observed int
		last     Event
		message  string
	}{
		{"done", eventAgent{events: []string{`{"type":"token"}`, `{"type":"done","text":"a"}`}}, 2, Event{Type: "done", Text: "a"}, ""},
		{"error event", eventAgent{events: []string{`{"type":"error","code":"no_key","message":"m"}`}}, 1, Event{Type: "error", Code: "no_key", Message: "m"}, "m"},
		{"no event", eventAgent{}, 1, Event{Type: "error", Code: "internal", Message: ErrNoAnswer.Error()}, ErrNoAnswer.Error()},
		{"no closing event", eventAgent{events: []string{`{"type":"token"}`}, err: failure}, 2, Event{Type: "error", Code: "internal", Message: "failure"}, "failure"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			observed := 0
			last, err := Handle(t.Context(), test.agent, nil, func(Event, []byte) error { observed++; return nil })
			if observed != test.observed || last.Type != test.last.Type || last.Text != test.last.Text ||
				last.Code != test.last.Code || last.Message != test.last.Message {
				t.Errorf("%d events, the last %+v", observed, last)
			}
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != test.message {
				t.Errorf("got %q, want %q", message, test.message)
			}
		})
	}
}

func TestReadManifest(t *testing.T) {
	t.Parallel()
	for manifest, ok := range map[string]bool{
		`{"schema":1}`: true, `{"schema":2}`: false, `{"schema":1,"error":"no"}`: false, `{`: false,
	} {
		if _, err := ReadManifest(manifestAgent{manifest: manifest}); (err == nil) != ok {
			t.Errorf("%s: %v", manifest, err)
		}
	}
}

type manifestAgent struct {
	eventAgent
	manifest string
}

func (a manifestAgent) Manifest() []byte { return []byte(a.manifest) }

// The short way of tokens gives what decoding gives.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"word ", `"quoted"`, `back\slash`, "two\nlines", "<b>ü</b>", "\xff", "\x00"} {
		encoded, _ := json.Marshal(text)
		for _, text := range []string{text, string(encoded[1 : len(encoded)-1])} {
			f.Add([]byte(beforeToken + text + afterToken))
		}
	}
	f.Add([]byte(beforeToken + `a","text":"b` + afterToken))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Decode(raw)
		var want Event
		wantErr := json.Unmarshal(raw, &want)
		if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v instead of %+v, %v", got, err, want, wantErr)
		}
	})
}

// A person approves what they see: nothing of a call is invisible, or in another order.
func TestShown(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		"":                                    `{}`,
		`{ "to" : "Zoë" }`:                    `{"to":"Zoë"}`,
		"{\"to\":\"a\u202ebob\u200b\u00a0\"}": `{"to":"a\u202ebob\u200b\u00a0"}`,
		"{\"to\":\"\U000e0041\"}":             `{"to":"\udb40\udc41"}`,
		`{"to":"a\u001b[31m\nb"}`:             `{"to":"a\u001b[31m\nb"}`,
		`{`:                                   `{}`,
	} {
		if got := (Event{Arguments: json.RawMessage(arguments)}).Shown(); got != want {
			t.Errorf("%s: %s, want %s", arguments, got, want)
		}
	}
}
