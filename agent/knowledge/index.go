package knowledge

import (
	"errors"
	"sort"
	"strings"
)

// An index is one string: a header of numbers, tables of records of a fixed size,
// and the texts and postings that the records point into. All numbers have 32 bits,
// the lowest byte first.
const (
	magic     = "AGENTKB2"
	headerLen = 64

	fileRecord  = 24 // name: offset, length; first chunk; chunks; table: offset, length
	chunkRecord = 32 // file, words, heading, place, text: each offset and length but the first two
	termRecord  = 16 // word: offset, length; chunks that have it; postings: offset
)

// ErrDamaged is returned for an index that no indexer of this version wrote.
var ErrDamaged = errors.New("the agent's knowledge is damaged; compile the agent again")

// Index finds passages of files. It is safe for concurrent use.
type Index struct {
	data                 string
	files, chunks, terms int
	words                int
	filesAt, chunksAt    int
	termsAt              int
}

// Open returns the index in data, which it refers to and does not copy. It reads the
// header alone.
func Open(data string) (*Index, error) {
	if len(data) < headerLen || data[:len(magic)] != magic {
		return nil, ErrDamaged
	}
	x := &Index{data: data}
	numbers := []*int{&x.files, &x.chunks, &x.terms, &x.words, &x.filesAt, &x.chunksAt, &x.termsAt}
	for i, number := range numbers {
		*number = x.number(len(magic) + 4*i)
	}
	if x.number(len(magic)+4*len(numbers)) != len(data) || !x.holds(x.filesAt, x.files*fileRecord) ||
		!x.holds(x.chunksAt, x.chunks*chunkRecord) || !x.holds(x.termsAt, x.terms*termRecord) {
		return nil, ErrDamaged
	}
	return x, nil
}

func (x *Index) holds(at, length int) bool {
	return at >= headerLen && length >= 0 && at+length <= len(x.data)
}

func (x *Index) number(at int) int {
	d := x.data[at : at+4]
	return int(uint32(d[0]) | uint32(d[1])<<8 | uint32(d[2])<<16 | uint32(d[3])<<24)
}

// text returns the string that the record at this place points to.
func (x *Index) text(record int) string {
	at, length := x.number(record), x.number(record+4)
	return x.data[at : at+length]
}

// Passage is a part of a file that is found and cited as a whole.
type Passage struct {
	// File is the name of its file.
	File string
	// Place says where in the file it is: headings, a page, lines or rows.
	Place string
	Text  string
}

// Source returns how a passage is cited.
func (p Passage) Source() string {
	if p.Place == "" {
		return "[" + p.File + "]"
	}
	return "[" + p.File + ", " + p.Place + "]"
}

func (x *Index) passage(chunk int) Passage {
	at := x.chunksAt + chunk*chunkRecord
	return Passage{File: x.fileName(x.number(at)), Place: x.text(at + 16), Text: x.text(at + 24)}
}

func (x *Index) wordsOf(chunk int) int { return x.number(x.chunksAt + chunk*chunkRecord + 4) }

func (x *Index) fileName(file int) string { return x.text(x.filesAt + file*fileRecord) }

// chunksOf returns the first chunk of a file and the one after its last.
func (x *Index) chunksOf(file int) (first, end int) {
	at := x.filesAt + file*fileRecord
	first = x.number(at + 8)
	return first, first + x.number(at+12)
}

// Files returns the names of the files, in order.
func (x *Index) Files() []string {
	names := make([]string, x.files)
	for i := range names {
		names[i] = x.fileName(i)
	}
	return names
}

// TableNames returns the names of the files that are tables, in order.
func (x *Index) TableNames() []string {
	var names []string
	for i := range x.files {
		if x.tableOf(i) != "" {
			names = append(names, x.fileName(i))
		}
	}
	return names
}

// Table returns a file that is a table as comma-separated values.
func (x *Index) Table(name string) (text string, found bool) {
	for i := range x.files {
		if x.fileName(i) == name {
			text = x.tableOf(i)
			return text, text != ""
		}
	}
	return "", false
}

func (x *Index) tableOf(file int) string { return x.text(x.filesAt + file*fileRecord + 16) }

func (x *Index) word(term int) string { return x.text(x.termsAt + term*termRecord) }

// afterAll comes after every letter.
const afterAll = "\xff"

// firstTerm returns the first term that is not before word.
func (x *Index) firstTerm(word string) int { return x.firstFrom(word, 0, x.terms) }

// endOf returns the term after those that begin with a text.
func (x *Index) endOf(start string) int { return x.firstTerm(start + afterAll) }

// firstFrom returns the first term from first on that is not before word, or else end.
func (x *Index) firstFrom(word string, first, end int) int {
	return first + sort.Search(end-first, func(i int) bool { return x.word(first+i) >= word })
}

func (x *Index) chunksWith(term int) int { return x.number(x.termsAt + term*termRecord + 8) }

// occurrence is how often a chunk has a term: in its text, and in its headings and
// the name of its file, once at most each.
type occurrence struct {
	chunk           int
	body            int
	heading, inName bool
}

// occurrences calls visit with each chunk that has a term, in order.
func (x *Index) occurrences(term int, visit func(occurrence)) {
	record := x.termsAt + term*termRecord
	at, chunk := x.number(record+12), 0
	for range x.chunksWith(term) {
		var delta, packed int
		delta, at = x.varint(at)
		packed, at = x.varint(at)
		chunk += delta
		visit(occurrence{chunk, packed >> 2, packed&1 != 0, packed&2 != 0})
	}
}

func (x *Index) varint(at int) (value, next int) {
	for shift := 0; ; shift += 7 {
		b := x.data[at]
		at++
		value |= int(b&0x7f) << shift
		if b < 0x80 {
			return value, at
		}
	}
}

// HasFile reports whether there is a file of this name, whatever its case.
func (x *Index) HasFile(name string) bool {
	_, found := x.fileNamed(name)
	return found
}

// fileNamed returns the number of a file, whatever the case of its name.
func (x *Index) fileNamed(name string) (file int, found bool) {
	for i := range x.files {
		if strings.EqualFold(x.fileName(i), name) {
			return i, true
		}
	}
	return 0, false
}
