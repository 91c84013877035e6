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

// Event is one dispatched event. Name is empty where the stream gave none.
type Event struct {
	Name string
	Data string
}

// Reader splits a stream into events, as soon as each is complete.
type Reader struct {
	in      *bufio.Reader
	line    []byte
	afterCR bool
	begun   bool
}

// NewReader reads events from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReader(r)}
}

// Next returns the next event that carries data. It returns io.EOF at a clean
// end, io.ErrUnexpectedEOF where the stream was cut inside a line, and
// ErrTooLong for an event beyond MaxEvent.
//
// The standard drops an event that no blank line ends. Some model servers
// leave the last blank line out, so complete lines before the end do count.
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
		switch field {
		case "event":
			event.Name = value
		case "data":
			data = append(data, value)
		}
	}
}

// split parses "field: value"; a comment has an empty field.
func split(line string) (field, value string) {
	field, value, _ = strings.Cut(line, ":")
	return field, strings.TrimPrefix(value, " ")
}

// readLine ends a line at CR without waiting to see whether LF follows, since
// the next byte may be seconds away.
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

// Write sends data as one event, one data line for each of its lines.
func Write(w io.Writer, data []byte) error {
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		out.WriteString("data: ")
		out.Write(bytes.TrimRight(line, "\r\n"))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

// Comment sends a line that readers skip; it keeps idle connections open.
func Comment(w io.Writer) error {
	_, err := io.WriteString(w, ":\n\n")
	return err
}
