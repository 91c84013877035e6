package knowledge

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Citation is a source that an answer names, as [file, place], and what became of
// checking it.
type Citation struct {
	File  string `json:"file"`
	Place string `json:"place,omitempty"`
	// Found says whether there is such a file, with such a place.
	Found  bool    `json:"found"`
	Quotes []Quote `json:"quotes,omitempty"`
	file   int
}

// Quote is a text that an answer quotes from a source.
type Quote struct {
	Text string `json:"text"`
	// Found says whether the source has it, at the place that the answer names.
	Found bool `json:"found"`
	// Elsewhere is another place of the same file that has it.
	Elsewhere string `json:"elsewhere,omitempty"`
}

// Of an answer; what follows is not checked.
const mostCitations = 50

var (
	bracket = regexp.MustCompile(`\[([^\[\]\n]{1,400})\]`)
	// What looks like the name of a file that an agent can have.
	fileLike = regexp.MustCompile(`(?i)^[^,;|]{1,200}\.(txt|text|md|markdown|html?|csv|tsv|pdf)$`)
)

// Check returns the sources that an answer cites, each once for a place, with the
// texts that it quotes from them; nil for an answer that cites none. A quote belongs
// to the citation that follows it in its paragraph, or else precedes it; in a
// paragraph without one, to the next that there is.
func (x *Index) Check(answer string) []Citation {
	c := checker{index: x, places: map[string]int{}}
	var waiting []string
	for _, paragraph := range paragraphs(answer) {
		waiting = c.paragraph(paragraph, waiting)
	}
	for _, quote := range waiting {
		c.quote(len(c.citations)-1, quote)
	}
	return c.citations
}

type checker struct {
	index     *Index
	citations []Citation
	// places are the numbers of the citations by file and place.
	places map[string]int
}

// paragraph checks one paragraph, and returns the quotes, of it or waiting from those
// before, that have no citation yet.
func (c *checker) paragraph(text string, waiting []string) []string {
	last, end := -1, 0
	for _, match := range bracket.FindAllStringSubmatchIndex(text, -1) {
		// The text of a link, not a source.
		if strings.HasPrefix(text[match[1]:], "(") {
			continue
		}
		cited := c.cite(text[match[2]:match[3]])
		if len(cited) == 0 {
			continue
		}
		waiting = append(waiting, quotes(text[end:match[0]])...)
		for _, quote := range waiting {
			c.quoteFromAny(cited, quote)
		}
		waiting, last, end = nil, cited[len(cited)-1], match[1]
	}
	rest := quotes(text[end:])
	if last < 0 {
		return append(waiting, rest...)
	}
	for _, quote := range rest {
		c.quote(last, quote)
	}
	return nil
}

// cite returns the numbers of the citations in a bracket, as in [a.md, Use; b.pdf, page 3].
func (c *checker) cite(inside string) (cited []int) {
	for _, part := range strings.Split(inside, ";") {
		citation, is := c.index.citation(strings.TrimSpace(part))
		key := strings.ToLower(citation.File) + "\x00" + spaced(citation.Place)
		if number, known := c.places[key]; is && known {
			cited = append(cited, number)
		} else if is && len(c.citations) < mostCitations {
			c.places[key] = len(c.citations)
			cited = append(cited, len(c.citations))
			c.citations = append(c.citations, citation)
		}
	}
	return cited
}

// citation reads "file, place"; is tells whether it is a citation at all.
func (x *Index) citation(text string) (citation Citation, is bool) {
	for file := range x.files {
		name := x.fileName(file)
		if len(text) < len(name) || !strings.EqualFold(text[:len(name)], name) {
			continue
		}
		rest := strings.TrimSpace(text[len(name):])
		if rest == "" {
			return Citation{File: name, Found: true, file: file}, true
		}
		if place, separated := strings.CutPrefix(rest, ","); separated {
			citation = Citation{File: name, Place: strings.TrimSpace(place), file: file}
			citation.Found = citation.Place == "" || x.hasPlace(file, citation.Place)
			return citation, true
		}
	}
	name, place, _ := strings.Cut(text, ",")
	if name = strings.TrimSpace(name); fileLike.MatchString(name) {
		return Citation{File: name, Place: strings.TrimSpace(place), file: -1}, true
	}
	return Citation{}, false
}

func (x *Index) hasPlace(file int, place string) bool {
	first, end := x.chunksOf(file)
	for chunk := first; chunk < end; chunk++ {
		if samePlace(x.passage(chunk).Place, place) {
			return true
		}
	}
	return false
}

// A place that is counted, such as rows 2-14.
var counted = regexp.MustCompile(`^(row|line|page)s? (\d+)(?: ?- ?(\d+))?$`)

// samePlace reports whether a citation names a place: all of its headings or the last
// of them, or some of its rows, lines or pages.
func samePlace(place, cited string) bool {
	place, cited = spaced(place), spaced(cited)
	if place == cited || strings.HasSuffix(place, "> "+cited) {
		return true
	}
	a, b := counted.FindStringSubmatch(place), counted.FindStringSubmatch(cited)
	if a == nil || b == nil || a[1] != b[1] {
		return false
	}
	firstA, lastA := span(a)
	firstB, lastB := span(b)
	return firstA <= lastB && firstB <= lastA
}

func span(match []string) (first, last int) {
	first, _ = strconv.Atoi(match[2])
	if last, _ = strconv.Atoi(match[3]); match[3] == "" {
		last = first
	}
	return first, last
}

func (c *checker) quoteFromAny(cited []int, quote string) {
	for _, number := range cited {
		if c.index.lookUp(c.citations[number], quote).Found {
			c.quote(number, quote)
			return
		}
	}
	c.quote(cited[len(cited)-1], quote)
}

// quote adds a quote to a citation; without one there is nothing that it claims.
func (c *checker) quote(number int, text string) {
	if number >= 0 {
		citation := &c.citations[number]
		citation.Quotes = append(citation.Quotes, c.index.lookUp(*citation, text))
	}
}

// lookUp returns whether the source of a citation has a text.
func (x *Index) lookUp(citation Citation, text string) Quote {
	quote := Quote{Text: text}
	if citation.file < 0 {
		return quote
	}
	pieces := fragments(text)
	first, end := x.chunksOf(citation.file)
	quote.Found = citation.Place == "" && contains(x.joined(first, end), pieces)
	for start := first; start < end && !quote.Found; {
		place := x.passage(start).Place
		next := start + 1
		for next < end && x.passage(next).Place == place {
			next++
		}
		if contains(x.joined(start, next), pieces) {
			if citation.Place == "" || samePlace(place, citation.Place) {
				return Quote{Text: text, Found: true}
			}
			quote.Elsewhere = place
		}
		start = next
	}
	return quote
}

// joined returns the text of consecutive chunks, normalised.
func (x *Index) joined(first, end int) string {
	var all strings.Builder
	for chunk := first; chunk < end; chunk++ {
		all.WriteString(x.passage(chunk).Text)
		all.WriteByte(' ')
	}
	return normalise(all.String())
}

// contains reports whether a text has all pieces, one after the other.
func contains(text string, pieces []string) bool {
	for _, piece := range pieces {
		at := strings.Index(text, piece)
		if at < 0 {
			return false
		}
		text = text[at+len(piece):]
	}
	return true
}

func runes(text string) int { return utf8.RuneCountInString(text) }
