package providers

import (
	"encoding/json"
	"slices"
	"strings"
)

// envelope is what gateways put around an answer: one of its fields holds the answer,
// as an object, a list or a text.
type envelope struct {
	Result   json.RawMessage `json:"result"`
	Data     json.RawMessage `json:"data"`
	Response json.RawMessage `json:"response"`
	Output   json.RawMessage `json:"output"`
	Body     json.RawMessage `json:"body"`
	Payload  json.RawMessage `json:"payload"`
	Error    json.RawMessage `json:"error"`
}

// The most envelopes in each other that are opened.
const maxEnvelopes = 4

// unwrapped returns the answer, the part of one or the error in an envelope; anything
// else as it is. An envelope may carry a note such as "ok", which alone is an error.
func unwrapped(document string) string {
	if hasField(document, answerFields) {
		return document
	}
	if content, found := opened(document, maxEnvelopes); found {
		return content
	}
	return document
}

func opened(document string, deepest int) (string, bool) {
	if isAnswer(document) {
		return document, true
	}
	var outer envelope
	if deepest == 0 || json.Unmarshal([]byte(document), &outer) != nil || isSet(outer.Error) {
		return "", false
	}
	for _, field := range []json.RawMessage{
		outer.Result, outer.Data, outer.Response, outer.Output, outer.Body, outer.Payload,
	} {
		text := strings.TrimSpace(string(field))
		if strings.HasPrefix(text, `"`) {
			text = strings.TrimSpace(string(unquote([]byte(text))))
		}
		var list []json.RawMessage
		if json.Unmarshal([]byte(text), &list) == nil && len(list) > 0 && isAnswer(string(list[0])) {
			return text, true
		}
		if content, found := opened(text, deepest-1); found {
			return content, true
		}
		if isFault([]byte(text)) && !isFault([]byte(document)) {
			return text, true
		}
	}
	return "", false
}

// answerFields are fields of an answer of any protocol.
var answerFields = []string{"choices", "content", "content_block", "delta", "usage"}

// isAnswer reports whether a document has a field of an answer of any protocol.
func isAnswer(document string) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(document), &fields) != nil {
		return false
	}
	for _, name := range answerFields {
		if _, found := fields[name]; found {
			return true
		}
	}
	var kind rawText
	_ = json.Unmarshal(fields["type"], &kind)
	return strings.HasPrefix(string(kind), "response.") || strings.HasPrefix(string(kind), "message") || strings.HasPrefix(string(kind), "content_block")
}

// hasField reports whether an object has one of the fields, without decoding it. It may
// overlook one whose name is written with escapes.
func hasField(document string, names []string) bool {
	depth := 0
	for i := 0; i < len(document); i++ {
		switch document[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := i + 1 + textLength(document[i+1:])
			if depth == 1 && strings.HasPrefix(document[end:], `":`) && slices.Contains(names, document[i+1:end]) {
				return document[0] == '{'
			}
			i = end
		}
	}
	return false
}

// textLength returns how many bytes of JSON are before the quote that ends a text.
func textLength(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text)
}
