package knowledge

import (
	"strings"
	"unicode/utf8"
)

// In letters: the least that words have in common if they differ in their endings, the
// longest ending, and the shortest word that may be misspelt.
const (
	shortestRoot  = 4
	longestEnding = 3
	shortestTypo  = 5
)

// like returns the terms that a word of a query may mean as well: those with another
// ending, such as refund and refunded for refunds, which serves more languages than a
// stemmer does. For a word that is in no text, and in no other form, it returns those
// that one slip of the finger makes of it.
func (x *Index) like(word string, known bool) []int {
	letters := utf8.RuneCountInString(word)
	if letters < shortestRoot || word[0] < 'a' {
		return nil
	}
	root := beginning(word, max(shortestRoot, letters-longestEnding))
	terms := x.matching(root, word, differInEnding)
	if len(terms) == 0 && !known && letters >= shortestTypo {
		terms = x.matching(beginning(word, 1), word, isOneSlip)
	}
	return terms
}

// matching returns the terms that begin as root does and match a word, without the word.
func (x *Index) matching(root, word string, matches func(a, b string) bool) (terms []int) {
	for term := x.firstTerm(root); term < x.terms; term++ {
		found := x.word(term)
		if !strings.HasPrefix(found, root) {
			break
		}
		if found != word && matches(word, found) {
			terms = append(terms, term)
		}
	}
	return terms
}

// beginning returns the first letters of a word that has as many.
func beginning(word string, letters int) string {
	for at := range word {
		if letters == 0 {
			return word[:at]
		}
		letters--
	}
	return word
}

// shared returns the length of what two words begin with, in bytes of whole letters.
func shared(a, b string) int {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	for at > 0 && (at < len(a) && !utf8.RuneStart(a[at]) || at < len(b) && !utf8.RuneStart(b[at])) {
		at--
	}
	return at
}

// differInEnding reports whether two words differ in short endings alone, which are
// together no longer than what is before them: burn and burning, but not contact and control.
func differInEnding(a, b string) bool {
	root := shared(a, b)
	one, other := utf8.RuneCountInString(a[root:]), utf8.RuneCountInString(b[root:])
	return one <= longestEnding && other <= longestEnding && one+other <= utf8.RuneCountInString(a[:root])
}

// isOneSlip reports whether words differ in one letter that is missing, too many or
// another, or in two neighbours in the wrong order.
func isOneSlip(a, b string) bool {
	at := shared(a, b)
	a, b = a[at:], b[at:]
	_, i := utf8.DecodeRuneInString(a)
	_, j := utf8.DecodeRuneInString(b)
	if a[i:] == b[j:] || a[i:] == b || a == b[j:] {
		return true
	}
	_, k := utf8.DecodeRuneInString(a[i:])
	_, l := utf8.DecodeRuneInString(b[j:])
	return a[:i] == b[j:j+l] && a[i:i+k] == b[:j] && a[i+k:] == b[j+l:]
}
