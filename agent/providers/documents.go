package providers

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"agent.local/a0000000000000000/sse"
)

// documents reads one JSON document after the other. What follows the first and is
// not JSON is ignored.
func (a *answer) documents(in io.Reader, handle func(sse.Event) (bool, error)) error {
	decoder := json.NewDecoder(separated{in})
	for {
		var document json.RawMessage
		err := decoder.Decode(&document)
		var syntax *json.SyntaxError
		if err == io.EOF || errors.As(err, &syntax) {
			if a.complete {
				return nil
			}
			return a.protocolError(string(a.head))
		}
		if err != nil {
			return a.lost(err)
		}
		if end, err := a.decode(sse.Event{Data: string(document)}, handle); end || err != nil {
			return err
		}
	}
}

// decode passes the objects of an event on, of which some servers send several.
func (a *answer) decode(event sse.Event, handle func(sse.Event) (bool, error)) (bool, error) {
	if text, found := a.repeat.text(event.Data); found && !a.complete {
		return false, a.repeat.onText(text)
	}
	for _, document := range splitDocuments(event.Data) {
		if isEnd(document) {
			return true, nil
		}
		event.Data = document
		if end, err := a.decodeDocument(event, handle); end || err != nil {
			return end, err
		}
	}
	return false, nil
}

func (a *answer) decodeDocument(event sse.Event, handle func(sse.Event) (bool, error)) (bool, error) {
	event.Data = unwrapped(event.Data)
	if !strings.HasPrefix(event.Data, "[") {
		return handle(event)
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(event.Data), &list) != nil {
		return false, a.protocolError(event.Data)
	}
	for _, item := range list {
		event.Data = unwrapped(string(item))
		if end, err := handle(event); end || err != nil {
			return end, err
		}
	}
	return false, nil
}

// separated reads the separators of a JSON sequence (RFC 7464) as white space.
type separated struct{ io.Reader }

func (s separated) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	for i, b := range p[:n] {
		if b == '\x1e' {
			p[i] = ' '
		}
	}
	return n, err
}

// isEnd reports whether the data of an event only marks the end of the stream.
func isEnd(data string) bool {
	return strings.EqualFold(strings.Trim(data, `"[] `), "done")
}

// splitDocuments returns the JSON documents of an event: servers that forget the
// blank line, or the line end, send several at once. What is no JSON is returned as
// it is.
func splitDocuments(data string) []string {
	if json.Valid([]byte(data)) {
		return []string{data}
	}
	data = repaired(data)
	var list []string
	decoder := json.NewDecoder(strings.NewReader(data))
	for {
		var document json.RawMessage
		start := decoder.InputOffset()
		switch err := decoder.Decode(&document); {
		case err == io.EOF:
			return list
		case err != nil:
			return append(list, strings.TrimSpace(data[start:]))
		}
		if text := string(document); !isEnd(text) {
			list = append(list, text)
		}
	}
}

// repaired returns JSON with what other languages' encoders write and no parser may
// accept: control characters in strings, and values that JSON does not have.
func repaired(data string) string {
	var out strings.Builder
	inString := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case inString && c == '\\' && i+1 < len(data):
			out.WriteByte(c)
			i++
			c = data[i]
		case c == '"':
			inString = !inString
		case inString && c < ' ':
			encoded, _ := json.Marshal(string(c))
			out.Write(encoded[1 : len(encoded)-1])
			continue
		case !inString:
			if word := foreignValue(data[i:]); word != "" {
				out.WriteString("null")
				i += len(word) - 1
				continue
			}
		}
		out.WriteByte(c)
	}
	return out.String()
}

func foreignValue(text string) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity", "None", "undefined"} {
		if strings.HasPrefix(text, word) {
			return word
		}
	}
	return ""
}

// list is a field with several values, of which some servers send one without a
// list. Values that can't be read are left out.
type list[T any] struct {
	values []T
	set    bool
}

func (l *list[T]) UnmarshalJSON(raw []byte) error {
	items := []json.RawMessage{raw}
	switch {
	case raw[0] == '[':
		if err := json.Unmarshal(raw, &items); err != nil {
			return err
		}
	case raw[0] != '{':
		return nil
	}
	l.set = true
	for _, item := range items {
		var value T
		if string(item) != "null" && json.Unmarshal(item, &value) == nil {
			l.values = append(l.values, value)
		}
	}
	return nil
}
