// Package sse reads and writes server-sent events as the WHATWG HTML standard
// defines them (section 9.2, "Server-sent events").
package sse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// MaxEvent bounds the bytes of one event, and so of one line.
const MaxEvent = 1 << 20

// ErrTooLong reports an event of more than MaxEvent bytes.
var ErrTooLong = errors.New("an event of the stream is longer than 1 MiB")

// Event is one event. Name is empty if the stream sets none.
type Event struct {
	Name string
	Data string
}

// Reader returns the events of a stream, each as soon as it is complete.
type Reader struct {
	in      *bufio.Reader
	line    []byte
	afterCR bool
	begun   bool

	// LastID is the last "id" of the stream, and Retry the milliseconds of its last
	// "retry"; both are empty if there was none.
	LastID, Retry string
}

// NewReader returns a Reader for the stream r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReader(r)}
}

// Next returns the next event with data. It returns io.EOF at the end of the
// stream, io.ErrUnexpectedEOF if the stream ends within a line, and ErrTooLong for
// an event of more than MaxEvent bytes.
//
// The standard drops an event without a final blank line. Some model servers omit
// the last blank line, so Next returns such an event if its lines are complete.
func (r *Reader) Next() (Event, error) {
	var event Event
	var data []string
	size := 0
	for {
		line, err := r.readLine()
		if err == io.EOF && data != nil {
			err, line = nil, ""
		}
		if err != nil {
			return Event{}, err
		}
		if line == "" {
			if data != nil {
				event.Data = strings.Join(data, "\n")
				return event, nil
			}
			event, size = Event{}, 0
			continue
		}
		if size += len(line); size > MaxEvent {
			return Event{}, ErrTooLong
		}
		field, value := split(line)
		switch field = fieldName(field); field {
		case "event":
			event.Name = value
		case "id":
			r.LastID = value
		case "retry":
			r.Retry = value
		case "data":
			data = append(data, value)
		}
	}
}

// Rest returns the line that the stream ended within, for streams whose last line has
// no end.
func (r *Reader) Rest() string { return string(r.line) }

// split parses "field: value"; a comment has an empty field.
func split(line string) (field, value string) {
	field, value, _ = strings.Cut(line, ":")
	return field, strings.TrimPrefix(value, " ")
}

// fieldName returns the name as the standard spells it: some servers indent it, begin
// it with a capital letter, or put a byte order mark before each event.
func fieldName(field string) string {
	return strings.ToLower(strings.Trim(field, "\ufeff \t"))
}

// readLine ends a line at CR without waiting for a possible LF: the next byte may
// be seconds away.
func (r *Reader) readLine() (string, error) {
	r.line = r.line[:0]
	for {
		b, err := r.in.ReadByte()
		if err != nil {
			if err == io.EOF && len(r.line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		if b == '\n' && r.afterCR {
			r.afterCR = false
			continue
		}
		r.afterCR = b == '\r'
		if b == '\n' || b == '\r' {
			return r.finishLine(), nil
		}
		if len(r.line) >= MaxEvent {
			return "", ErrTooLong
		}
		r.line = append(r.line, b)
	}
}

func (r *Reader) finishLine() string {
	line := string(r.line)
	if !r.begun {
		r.begun = true
		line = strings.TrimPrefix(line, "\ufeff")
	}
	return line
}

// Write sends data as one event, with a data field for each line.
func Write(w io.Writer, data []byte) error { return WriteNamed(w, "", data) }

// WriteNamed sends data as one event with a name, which contains no line break; an
// empty name is left out.
func WriteNamed(w io.Writer, name string, data []byte) error {
	var out bytes.Buffer
	if name != "" {
		out.WriteString("event: " + name + "\n")
	}
	for line := range bytes.Lines(data) {
		out.WriteString("data: ")
		out.Write(bytes.TrimRight(line, "\r\n"))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

// Comment sends a comment, which keeps an idle connection open.
func Comment(w io.Writer) error {
	_, err := io.WriteString(w, ":\n\n")
	return err
}
