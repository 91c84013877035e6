package sse

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(r io.Reader) ([]Event, error) {
	reader := NewReader(r)
	var events []Event
	for {
		event, err := reader.Next()
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, stream string
		want         []Event
		err          error
	}{
		{"empty", "", nil, io.EOF},
		{"one", "data: a\n\n", []Event{{"", "a"}}, io.EOF},
		{"no space", "data:a\n\n", []Event{{"", "a"}}, io.EOF},
		{"only one space goes", "data:  a\n\n", []Event{{"", " a"}}, io.EOF},
		{"named", "event: ping\ndata: a\n\n", []Event{{"ping", "a"}}, io.EOF},
		{"two lines", "data: a\ndata: b\n\n", []Event{{"", "a\nb"}}, io.EOF},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []Event{{"", "a"}, {"", "b"}}, io.EOF},
		{"CR", "data: a\r\rdata: b\r\r", []Event{{"", "a"}, {"", "b"}}, io.EOF},
		{"BOM", "\ufeffdata: a\n\n", []Event{{"", "a"}}, io.EOF},
		{"comment", ": hello\n\ndata: a\n: more\n\n", []Event{{"", "a"}}, io.EOF},
		{"no data, no event", "event: x\nid: 1\n\ndata: a\n\n", []Event{{"", "a"}}, io.EOF},
		{"empty data", "data\n\n", []Event{{"", ""}}, io.EOF},
		{"unknown field", "retry: 3\nfoo\ndata: a\n\n", []Event{{"", "a"}}, io.EOF},
		{"last blank line missing", "data: a\n", []Event{{"", "a"}}, io.EOF},
		{"cut in a line", "data: a\n\ndata: {\"x", []Event{{"", "a"}}, io.ErrUnexpectedEOF},
		{"long line", "data: " + strings.Repeat("x", MaxEvent) + "\n\n", nil, ErrTooLong},
		{"many long lines", strings.Repeat("data: "+strings.Repeat("x", MaxEvent/4)+"\n", 5), nil, ErrTooLong},
		{"hours of comments", strings.Repeat(":"+strings.Repeat("x", 1000)+"\n\n", 2000) + "data: a\n\n", []Event{{"", "a"}}, io.EOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			whole, err := readAll(strings.NewReader(test.stream))
			if err != test.err || !slices.Equal(whole, test.want) {
				t.Errorf("got %q, %v; want %q, %v", whole, err, test.want, test.err)
			}
			if len(test.stream) > 10_000 {
				return
			}
			pieces, err := readAll(iotest.OneByteReader(strings.NewReader(test.stream)))
			if err != test.err || !slices.Equal(pieces, test.want) {
				t.Errorf("byte by byte: got %q, %v", pieces, err)
			}
		})
	}
}

// A CR ends a line at once: the LF may arrive seconds later.
func TestNextDoesNotWaitAfterCR(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	defer out.Close()
	go func() { _, _ = io.WriteString(out, "data: a\r\r") }()
	event, err := NewReader(in).Next()
	if err != nil || event.Data != "a" {
		t.Fatalf("got %q, %v", event, err)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"a", "a\nb", `{"text":"x"}`, "a\r\nb"} {
		var out bytes.Buffer
		if err := Write(&out, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if err := Comment(&out); err != nil {
			t.Fatal(err)
		}
		events, _ := readAll(&out)
		want := strings.ReplaceAll(data, "\r", "")
		if len(events) != 1 || events[0].Data != want {
			t.Errorf("%q was read as %q", data, events)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{"data: a\n\n", "\ufeffdata: a\r\n\r\n", "event: x\rdata\r\r", ":\n\n", "data: {\"a\":", "\x00\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, wholeErr := readAll(bytes.NewReader(stream))
		pieces, piecesErr := readAll(iotest.OneByteReader(bytes.NewReader(stream)))
		if !slices.Equal(whole, pieces) || wholeErr != piecesErr {
			t.Errorf("whole %q %v, byte by byte %q %v", whole, wholeErr, pieces, piecesErr)
		}
		for _, event := range whole {
			if strings.ContainsAny(event.Name, "\r\n") || strings.Contains(event.Data, "\r") {
				t.Errorf("a line break in %q", event)
			}
		}
	})
}
