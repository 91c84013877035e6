package knowledge

import (
	"iter"
	"slices"
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
	terms := x.endings(word, beginning(word, max(shortestRoot, letters-longestEnding)))
	if len(terms) == 0 && !known && letters >= shortestTypo {
		terms = x.slips(word)
	}
	return terms
}

// endings returns the terms that begin as root does and differ from a word in their
// endings, without the word.
func (x *Index) endings(word, root string) (terms []int) {
	for term := x.firstTerm(root); term < x.terms; term++ {
		found := x.word(term)
		if !strings.HasPrefix(found, root) {
			break
		}
		if found != word && differInEnding(word, found) {
			terms = append(terms, term)
			continue
		}
		// All that begin like one with too long an ending have one, such as the numbers of
		// a hundred thousand orders.
		if len(found) <= len(word)+longestEnding {
			continue
		}
		at := shared(word, found)
		start := found[:at+len(beginning(found[at:], longestEnding+1))]
		if term+1 < x.terms && len(start) < len(found) && strings.HasPrefix(x.word(term+1), start) {
			term = x.endOf(start) - 1
		}
	}
	return terms
}

// slips returns the terms that differ from a word in one letter that is missing, too many or
// another, or in two neighbours in the wrong order, but not in the first letter. It looks up
// what the word could be, since a million terms may begin with that letter.
func (x *Index) slips(word string) (terms []int) {
	first, end := 0, x.terms
	add := func(candidate string) {
		term := x.firstFrom(candidate, first, end)
		if term < end && x.word(term) == candidate && candidate != word {
			terms = append(terms, term)
		}
	}
	_, at := utf8.DecodeRuneInString(word)
	for at <= len(word) {
		before, rest := word[:at], word[at:]
		first, end = x.firstFrom(before, first, end), x.firstFrom(before+afterAll, first, end)
		if first == end {
			break
		}
		_, size := utf8.DecodeRuneInString(rest)
		_, second := utf8.DecodeRuneInString(rest[size:])
		// One too many, and two in the wrong order.
		add(before + rest[size:])
		add(before + rest[size:size+second] + rest[:size] + rest[size+second:])
		for letter := range x.lettersAfter(before, first, end) {
			// One that is missing, and another one.
			add(before + letter + rest)
			add(before + letter + rest[size:])
		}
		at += max(1, size)
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// lettersAfter yields the letters with which terms from first to before end, which all
// begin with the same text, go on after it.
func (x *Index) lettersAfter(before string, first, end int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for term := first; term < end; {
			rest := x.word(term)[len(before):]
			_, size := utf8.DecodeRuneInString(rest)
			if size == 0 {
				term++
				continue
			}
			if !yield(rest[:size]) {
				return
			}
			term = x.firstFrom(before+rest[:size]+afterAll, term, end)
		}
	}
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
