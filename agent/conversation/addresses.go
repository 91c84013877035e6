package conversation

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"agent.local/a0000000000000000/providers"
)

// isSeen reports whether the user wrote an address, or a text that a tool found has it,
// or a call went there: one that the model makes up could carry what it knows. What the
// model wrote before a result repeats it is made up, and so is what a tool makes of its
// arguments.
func (t *turn) isSeen(address string) bool {
	calls := map[string]providers.Call{}
	isWritten := false
	for _, m := range t.messages {
		switch m.Role {
		case providers.User:
			if strings.Contains(m.Own(), address) {
				return true
			}
		case providers.Assistant:
			for _, call := range m.Calls {
				calls[call.ID] = call
				isWritten = isWritten || strings.Contains(letters(wordsOf(call)), letters(address))
			}
		case providers.Tool:
			if !m.Failed && t.brought(calls[m.CallID], address, isWritten, m.Text) {
				return true
			}
		}
	}
	return false
}

// brought reports whether a call that ran went to an address or found it.
func (t *turn) brought(call providers.Call, address string, isWritten bool, result string) bool {
	index := t.toolIndex(call.Name)
	if index < 0 {
		return false
	}
	tool := t.tools[index]
	if tool.URLs != nil && slices.Contains(tool.URLs(json.RawMessage(call.Arguments)), address) {
		return true
	}
	return (tool.Untrusted || tool.Finds) && !isWritten && strings.Contains(result, address)
}

// wordsOf returns what the model wrote in a call: names and texts.
func wordsOf(call providers.Call) string {
	var value any
	if json.Unmarshal([]byte(call.Arguments), &value) != nil {
		return call.Name + " " + call.Arguments
	}
	return call.Name + " " + strings.Join(textsIn(value), " ")
}

func textsIn(value any) (texts []string) {
	switch value := value.(type) {
	case string:
		texts = []string{value}
	case []any:
		for _, each := range value {
			texts = append(texts, textsIn(each)...)
		}
	case map[string]any:
		for name, each := range value {
			texts = append(append(texts, name), textsIn(each)...)
		}
	}
	return texts
}

// letters returns the letters and digits of a text in lower case, which stay where a tool
// quotes, cleans or escapes it.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
