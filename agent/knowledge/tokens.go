// Package knowledge searches the files that are compiled into an agent, and checks
// what an answer quotes from them. The index is read in place: opening it decodes
// nothing, however large it is.
package knowledge

import (
	"strings"
	"unicode"
)

// Longer words are cut: they are data rather than language.
const longestToken = 48

// A word of more parts is indexed by its parts alone.
const mostParts = 6

// Scripts whose words are not divided by spaces.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// isUnspaced reports whether a rune belongs to such a script; ー lengthens a vowel of
// two of them.
func isUnspaced(r rune) bool {
	return r >= 0xe00 && (r == 'ー' || unicode.In(r, unspaced...))
}

// Letters that a reader takes for others when typing a query.
var folds = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h", 'ŧ': "t",
}

// Base letters of U+00E0 to U+017F; a space where a letter stands for itself.
const (
	latin1    = "aaaaaa ceeeeiiii nooooo  uuuuy y"
	extendedA = "aaaaaaccccccccdd  eeeeeeeeeegggggggghh  iiiiiiiii   jjkk llllll    nnnnnn   oooooo  rrrrrrsssssssstttt  uuuuuuuuuuuuwwyyyzzzzzz "
)

// fold appends the lower-case base letters of a rune; nothing for a combining mark.
func fold(to []byte, r rune) []byte {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(to, byte(r))
	}
	r = unicode.ToLower(r)
	if text, found := folds[r]; found {
		return append(to, text...)
	}
	switch {
	case 0x300 <= r && r <= 0x36f:
		return to
	case 0xe0 <= r && r <= 0xff && latin1[r-0xe0] != ' ':
		return append(to, latin1[r-0xe0])
	case 0x100 <= r && r <= 0x17f && extendedA[r-0x100] != ' ':
		return append(to, extendedA[r-0x100])
	}
	return append(to, string(r)...)
}

// tokenizer divides text into the words that are indexed and searched.
type tokenizer struct {
	emit  func(token string)
	word  []byte
	parts []string
	// previous is the last rune of a word without spaces, 0 at its beginning.
	previous rune
	alone    bool
}

// tokenize calls emit with each token of a text: words in lower case without
// accents; of a word of parts, such as fooBar or foo-bar, the parts and the whole;
// of scripts without spaces, every pair of neighbours.
func tokenize(text string, emit func(token string)) {
	t := tokenizer{emit: emit}
	var last rune
	for i, r := range text {
		switch {
		case isUnspaced(r):
			t.endWord()
			t.pair(r)
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			t.endPairs()
			if unicode.IsUpper(r) && unicode.IsLower(last) {
				t.endPart()
			}
			t.word = fold(t.word, r)
		case (r == '\'' || r == '’') && len(t.word) > 0:
			// Folded: don't is dont.
		case joins(r, last) && len(t.word) > 0 && startsWord(text[i+len(string(r)):]):
			t.endPart()
		default:
			t.endWord()
			t.endPairs()
		}
		last = r
	}
	t.endWord()
	t.endPairs()
}

// joins reports whether a rune between two parts makes them one word.
func joins(r, last rune) bool {
	return r == '-' || r == '_' || r == '‐' || (r == '.' || r == ',') && unicode.IsDigit(last)
}

func startsWord(rest string) bool {
	for _, r := range rest {
		return (unicode.IsLetter(r) || unicode.IsDigit(r)) && !isUnspaced(r)
	}
	return false
}

func (t *tokenizer) endPart() {
	if len(t.word) > 0 {
		t.parts = append(t.parts, string(t.word[:min(len(t.word), longestToken)]))
		t.word = t.word[:0]
	}
}

func (t *tokenizer) endWord() {
	t.endPart()
	for _, part := range t.parts {
		t.emit(part)
	}
	if len(t.parts) > 1 && len(t.parts) <= mostParts {
		whole := strings.Join(t.parts, "")
		t.emit(whole[:min(len(whole), longestToken)])
	}
	t.parts = t.parts[:0]
}

func (t *tokenizer) pair(r rune) {
	if t.alone = t.previous == 0; !t.alone {
		t.emit(string([]rune{t.previous, r}))
	}
	t.previous = r
}

func (t *tokenizer) endPairs() {
	if t.alone && t.previous != 0 {
		t.emit(string(t.previous))
	}
	t.previous, t.alone = 0, false
}
