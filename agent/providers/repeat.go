package providers

import "strings"

// repeat is what the chunks of a stream have around their text. Nearly all of them differ
// in that alone; decoding each took more time than all else on a token's way.
type repeat struct {
	before, after string
	onText        func(string) error
}

// text returns the text of a chunk that is like the others.
func (r repeat) text(data string) (string, bool) {
	if r.onText == nil {
		return "", false
	}
	text, found := strings.CutPrefix(data, r.before)
	if !found {
		return "", false
	}
	text, found = strings.CutSuffix(text, r.after)
	return text, found && isPlain(text)
}

// isPlain reports whether a text that is not empty stands for itself in JSON.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return text != ""
}
