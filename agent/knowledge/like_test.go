package knowledge

import (
	"strings"
	"testing"
)

func TestAQueryFindsWordsThatAreLikeItsOwn(t *testing.T) {
	t.Parallel()
	text := "drill drilled burn control refund refunded Breckinridge mercury mercenary bestellen слово cat"
	index := open(t, []Document{{Name: "a.md", Chunks: []Chunk{{Text: text}}}})
	tests := []struct{ query, want string }{
		{"drilling", "drill drilled"},
		{"drills", "drill drilled"},
		{"drill", "drilled"},
		{"burning", "burn"},
		{"refundable", ""},
		// Alike by their beginning alone.
		{"contact", ""},
		{"bestellt", "bestellen"},
		{"словами", "слово"},
		// One letter is missing, too many or another, or two are swapped.
		{"brekinridge", "breckinridge"},
		{"merccury", "mercury"},
		{"mercory", "mercury"},
		{"mecrury", "mercury"},
		{"brekinrige", ""},
		// A short word is too often another one, and one that is known is meant.
		{"cut", ""},
		{"mercury", ""},
	}
	for _, test := range tests {
		term := index.firstTerm(test.query)
		known := term < index.terms && index.word(term) == test.query
		var found []string
		for _, like := range index.like(test.query, known) {
			found = append(found, index.word(like))
		}
		if got := strings.Join(found, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.query, got, test.want)
		}
		if got := len(index.Search([]string{test.query}, "", 1)) > 0; got != (known || test.want != "") {
			t.Errorf("%s: found %v", test.query, got)
		}
	}
}

// Letters of several bytes, cut words and slips of any kind: a word is like its own
// variants in both directions.
func FuzzLike(f *testing.F) {
	f.Add("refund", "refunds")
	f.Add("слово", "слова\xd0")
	f.Fuzz(func(t *testing.T, a, b string) {
		if differInEnding(a, b) != differInEnding(b, a) || isOneSlip(a, b) != isOneSlip(b, a) {
			t.Errorf("%q and %q are like one another in one direction", a, b)
		}
	})
}
