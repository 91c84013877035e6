package providers

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// rawText is a JSON string as the server sent it. Unlike encoding/json it keeps
// bytes that are not UTF-8, and unpaired surrogates (encoded as three bytes), since
// servers split characters between two events. wholeText joins the halves. A value
// of another type counts as empty, a number as its digits.
type rawText string

func (t *rawText) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch c := raw[0]; {
	case c == '"':
		*t = rawText(unquote(raw))
	case c == '-' || '0' <= c && c <= '9':
		*t = rawText(raw)
	}
	return nil
}

var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unquote decodes a string that the JSON parser has already checked.
func unquote(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 1; i < len(raw)-1; i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch c := raw[i]; {
		case c == 'u':
			out = appendUnit(out, codeUnit(raw[i+1:]))
			i += 4
		case escapes[c] != 0:
			out = append(out, escapes[c])
		default:
			out = append(out, c)
		}
	}
	return out
}

// codeUnit reads the four hexadecimal digits of an escape.
func codeUnit(digits []byte) rune {
	var unit rune
	for _, c := range digits[:4] {
		unit <<= 4
		if c <= '9' {
			unit += rune(c - '0')
		} else {
			unit += rune(c|0x20-'a') + 10
		}
	}
	return unit
}

const (
	surrogates    = 0xd800
	lowSurrogates = 0xdc00
	surrogatesEnd = 0xe000
	supplementary = 0x10000
	surrogateSize = 3
)

func appendUnit(out []byte, unit rune) []byte {
	if unit < surrogates || unit >= surrogatesEnd {
		return utf8.AppendRune(out, unit)
	}
	return append(out, 0xe0|byte(unit>>12), 0x80|byte(unit>>6&0x3f), 0x80|byte(unit&0x3f))
}

// surrogateAt returns the surrogate that text begins with, as appendUnit encodes it.
func surrogateAt(text string) (rune, bool) {
	if len(text) < surrogateSize || text[0] != 0xed || text[1] < 0xa0 || text[1] > 0xbf || text[2]&0xc0 != 0x80 {
		return 0, false
	}
	return surrogates | rune(text[1]&0x1f)<<6 | rune(text[2]&0x3f), true
}

// wholeText returns text as UTF-8 that every database can store: it joins the halves
// of characters, replaces what is no character by U+FFFD, and drops NUL.
func wholeText(text string) string {
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return text
	}
	var out strings.Builder
	for len(text) > 0 {
		r, size := nextRune(text)
		if r != 0 {
			out.WriteRune(r)
		}
		text = text[size:]
	}
	return out.String()
}

func nextRune(text string) (rune, int) {
	high, ok := surrogateAt(text)
	if !ok {
		return utf8.DecodeRuneInString(text)
	}
	low, ok := surrogateAt(text[surrogateSize:])
	if ok && high < lowSurrogates && low >= lowSurrogates {
		return supplementary + (high-surrogates)<<10 + (low - lowSurrogates), 2 * surrogateSize
	}
	return utf8.RuneError, surrogateSize
}

// halfCharacter returns the length of the beginning of a character at the end of text.
func halfCharacter(text string) int {
	if n := len(text) - surrogateSize; n >= 0 {
		if unit, ok := surrogateAt(text[n:]); ok && unit < lowSurrogates {
			return surrogateSize
		}
	}
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRuneInString(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// wholeStream wraps emit so that it receives whole characters, as wholeText returns
// them. Call flush at the end.
func wholeStream(emit func(string) error) (write func(string) error, flush func() error) {
	held := ""
	send := func(text string) error {
		if text = wholeText(text); text == "" {
			return nil
		}
		return emit(text)
	}
	write = func(piece string) error {
		text := held + piece
		cut := len(text) - halfCharacter(text)
		held = text[cut:]
		return send(text[:cut])
	}
	flush = func() error { return send(held) }
	return write, flush
}

// wholeJSON returns valid JSON with the escapes that a database refuses, NUL and
// unpaired surrogates, replaced by U+FFFD.
func wholeJSON(raw string) string {
	if !strings.Contains(raw, `\u`) {
		return raw
	}
	var out strings.Builder
	for i := 0; i < len(raw); {
		size := 1
		switch {
		case raw[i] != '\\':
		case raw[i+1] != 'u':
			size = 2
		case isPair(raw[i:]):
			size = 12
		default:
			size = 6
			if unit := codeUnit([]byte(raw[i+2:])); unit == 0 || unit >= surrogates && unit < surrogatesEnd {
				out.WriteString(`\ufffd`)
				i += size
				continue
			}
		}
		out.WriteString(raw[i : i+size])
		i += size
	}
	return out.String()
}

func isPair(raw string) bool {
	if len(raw) < 12 || raw[6:8] != `\u` {
		return false
	}
	high, low := codeUnit([]byte(raw[2:])), codeUnit([]byte(raw[8:]))
	return high >= surrogates && high < lowSurrogates && low >= lowSurrogates && low < surrogatesEnd
}

// optional is a field that servers may omit or send as another type.
type optional[T any] struct {
	value T
	set   bool
}

func (o *optional[T]) UnmarshalJSON(raw []byte) error {
	var value T
	if string(raw) != "null" && json.Unmarshal(raw, &value) == nil {
		o.value, o.set = value, true
	}
	return nil
}

// count is a number of tokens, which some servers send as 3.0 or "3".
type count int

func (c *count) UnmarshalJSON(raw []byte) error {
	var number float64
	if json.Unmarshal([]byte(strings.Trim(string(raw), `"`)), &number) == nil && number > 0 && number < 1e12 {
		*c = count(number)
	}
	return nil
}
