package knowledge

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var library = []Document{
	{Name: "handbook.md", Title: "Handbook", Chunks: []Chunk{
		{Heading: "Returns", Place: "Returns", Text: "Goods can be sent back to us."},
		{Heading: "Returns > Refunds", Place: "Returns > Refunds", Text: "A refund is paid within fourteen days of the return.\n\nIt goes to the card that was charged."},
		{Heading: "Shipping", Place: "Shipping", Text: "Parcels leave our warehouse on the same day. Überseepakete brauchen länger."},
	}},
	{Name: "prices, 2026.csv", Chunks: []Chunk{
		{Place: "rows 2-4", Text: "item: fooBar-lamp; price: 1,250.00\nitem: sofa; price: 900"},
		{Place: "rows 5-6", Text: "item: 東京タワー model; price: 40"},
	}},
}

func open(t testing.TB, documents []Document) *Index {
	t.Helper()
	data, err := Write(documents)
	if err != nil {
		t.Fatal(err)
	}
	index, err := Open(string(data))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestTables(t *testing.T) {
	t.Parallel()
	index := open(t, append(slices.Clone(library), Document{Name: "a.csv", Table: "a,b\n1,2\n"}))
	if got := index.TableNames(); !slices.Equal(got, []string{"a.csv"}) {
		t.Error(got)
	}
	if text, found := index.Table("a.csv"); text != "a,b\n1,2\n" || !found {
		t.Error(text, found)
	}
	for _, name := range []string{"handbook.md", "none.csv"} {
		if text, found := index.Table(name); text != "" || found {
			t.Error(name, text)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Don't STOP":         "dont stop",
		"Crème brûlée Łódź":  "creme brulee lodz",
		"e\u0301t\u00e9":     "ete",
		"fooBar foo-bar a_b": "foo bar foobar foo bar foobar a b ab",
		"1,250.00 - x":       "1 250 00 125000 x",
		"東京タワー":              "東京 京タ タワ ワー",
		"私 x":                "私 x",
		"":                   "",
		"-- ' . __":          "",
	}
	for text, want := range tests {
		var got []string
		tokenize(text, func(token string) { got = append(got, token) })
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	index := open(t, library)
	tests := []struct {
		query, file, want string
	}{
		{"when is a refund paid", "", "[handbook.md, Returns > Refunds]"},
		{"REFUNDS", "", "[handbook.md, Returns > Refunds]"},
		{"uberseepakete", "", "[handbook.md, Shipping]"},
		{"price of the foobar lamp", "", "[prices, 2026.csv, rows 2-4]"},
		{"東京", "", "[prices, 2026.csv, rows 5-6]"},
		{"1,250.00", "", "[prices, 2026.csv, rows 2-4]"},
		{"price refund", "HANDBOOK.md", "[handbook.md, Returns > Refunds]"},
		{"zebra", "", ""},
		{"", "", ""},
	}
	for _, test := range tests {
		got := ""
		if found := index.Search([]string{test.query}, test.file, 3); len(found) > 0 {
			got = found[0].Source()
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.query, got, test.want)
		}
	}
}

func TestSeveralQueriesAreFused(t *testing.T) {
	t.Parallel()
	found := open(t, library).Search([]string{"money back refund", "parcels warehouse"}, "", 2)
	sources := []string{found[0].Source(), found[1].Source()}
	slices.Sort(sources)
	if !reflect.DeepEqual(sources, []string{"[handbook.md, Returns > Refunds]", "[handbook.md, Shipping]"}) {
		t.Errorf("found %v", sources)
	}
}

func TestSameDocumentsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	one, _ := Write(library)
	two, _ := Write(library)
	if !bytes.Equal(one, two) {
		t.Error("the bytes differ")
	}
}

func TestNoDocuments(t *testing.T) {
	t.Parallel()
	index := open(t, nil)
	if found := index.Search([]string{"x"}, "", 3); len(found) != 0 || index.Check("[a.md]")[0].Found {
		t.Errorf("found %v", found)
	}
}

func TestDamagedIndex(t *testing.T) {
	t.Parallel()
	whole, _ := Write(library)
	for _, data := range []string{"", "x", string(whole[:headerLen]), string(whole[:len(whole)-1]), strings.Repeat("\xff", 100)} {
		if _, err := Open(data); err == nil {
			t.Errorf("an index of %d bytes was opened", len(data))
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	index := open(t, library)
	tests := []struct{ answer, want string }{
		{`“A refund is paid within fourteen days” [handbook.md, Returns > Refunds].`, "+Returns > Refunds(+)"},
		{`It says "a REFUND is *paid* within fourteen days." [handbook.md, Refunds]`, "+Refunds(+)"},
		{`“A refund is paid … to the card” [handbook.md, Returns > Refunds]`, "+Returns > Refunds(+)"},
		{`“A refund is paid within thirty days” [handbook.md, Returns > Refunds].`, "+Returns > Refunds(-)"},
		{`“Parcels leave our warehouse” [handbook.md, Returns]`, "+Returns(-Shipping)"},
		{`“Parcels leave our warehouse” [handbook.md]`, "+(+)"},
		{`[handbook.md, Shipping] says: “Parcels leave our warehouse on the same day.”`, "+Shipping(+)"},
		{"> Parcels leave our warehouse\n> on the same day.\n\n[handbook.md, Shipping]", "+Shipping(+)"},
		{`„Überseepakete brauchen länger“ [HANDBOOK.MD, shipping]`, "+shipping(+)"},
		{`The sofa costs 900 [prices, 2026.csv, row 3]. The model is 「東京タワー」 [prices, 2026.csv, rows 5-6]`, "+row 3 +rows 5-6(+)"},
		{`“A refund is paid within fourteen days” [handbook.md, Shipping; handbook.md, Returns > Refunds]`, "+Shipping +Returns > Refunds(+)"},
		{`Made up [handbook.md, Warranty] and [warranty.pdf, page 3] “thirty-six months of it”.`, "-Warranty -page 3(-)"},
		{`[handbook.md](https://example.com) and [1] and [note, this]`, ""},
		{`The so-called “refund” [handbook.md, Returns]`, "+Returns"},
		{`“A refund is paid within ninety days of it.” Nobody is named.`, ""},
	}
	for _, test := range tests {
		var parts []string
		for _, citation := range index.Check(test.answer) {
			part := sign(citation.Found) + citation.Place
			for _, quote := range citation.Quotes {
				part += "(" + sign(quote.Found) + quote.Elsewhere + ")"
			}
			parts = append(parts, part)
		}
		if got := strings.Join(parts, " "); got != test.want {
			t.Errorf("%s\n%s, want %s", test.answer, got, test.want)
		}
	}
}

func sign(found bool) string {
	if found {
		return "+"
	}
	return "-"
}

// Whatever an answer holds, checking it ends and finds only quotes that are there.
func FuzzCheck(f *testing.F) {
	f.Add(`“A refund is paid” [handbook.md, Returns > Refunds; x.pdf, page 1] "…" > [`)
	index := open(f, library)
	f.Fuzz(func(t *testing.T, answer string) {
		for _, citation := range index.Check(answer) {
			for _, quote := range citation.Quotes {
				if quote.Found && !citation.Found {
					t.Errorf("%q: %+v", answer, citation)
				}
			}
		}
	})
}

func FuzzTokenize(f *testing.F) {
	f.Add("Crème fooBar 東京 don't 1,2")
	f.Fuzz(func(t *testing.T, text string) {
		tokenize(text, func(token string) {
			if token == "" || len(token) > longestToken+8 {
				t.Errorf("%q gives %q", text, token)
			}
		})
	})
}
