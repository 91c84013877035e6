package knowledge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
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

// What is looked up is what a look at every term finds.
func TestLikesAreThoseOfEveryTerm(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		letters := []rune("abcé€")
		text := make([]rune, 1+random.IntN(9))
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		return string(text)
	}
	w := &writer{terms: map[string]*postings{}}
	for range 20_000 {
		w.posting(word())
	}
	x, err := Open(string(w.encode()))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for range 2000 {
		word := word()
		root := beginning(word, max(1, utf8.RuneCountInString(word)-longestEnding))
		var endings, slips []int
		for term := range x.terms {
			other := x.word(term)
			if other != word && strings.HasPrefix(other, root) && differInEnding(word, other) {
				endings = append(endings, term)
			}
			if other != word && strings.HasPrefix(other, beginning(word, 1)) && isOneSlip(word, other) {
				slips = append(slips, term)
			}
		}
		found += len(endings) + len(slips)
		if got := x.endings(word, root); !slices.Equal(got, endings) {
			t.Fatalf("%s: the endings %v, want %v", word, got, endings)
		}
		if got := x.slips(word); !slices.Equal(got, slips) {
			t.Fatalf("%s: the slips %v, want %v", word, got, slips)
		}
	}
	if found < 1000 {
		t.Errorf("%d were like one another", found)
	}
}

// A word takes about as long where a hundred times as many begin like it, such as the
// numbers of orders in a table.
func TestLikesAmongManyNumbers(t *testing.T) {
	t.Parallel()
	took := func(count int) time.Duration {
		w := &writer{terms: map[string]*postings{}}
		for n := range count {
			w.posting(fmt.Sprintf("inv2024%06d", n*(300_000/count)))
		}
		x, err := Open(string(w.encode()))
		if err != nil {
			t.Fatal(err)
		}
		best := time.Hour
		for range 5 {
			started := time.Now()
			for n := range 20 {
				x.like(fmt.Sprintf("invoyce%d", n), false)
				x.like(fmt.Sprintf("inv20%d", n), false)
			}
			best = min(best, time.Since(started))
		}
		return best
	}
	if few, many := took(3000), took(300_000); many > 20*few {
		t.Errorf("%v instead of %v", many, few)
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
