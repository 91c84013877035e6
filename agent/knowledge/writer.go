package knowledge

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Document is a file whose text was extracted and divided into chunks.
type Document struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	Chunks []Chunk `json:"chunks"`
	// Table is the whole file as comma-separated values, in an agent that queries tables.
	Table string `json:"table"`
}

// Chunk is a passage with the headings above it and its place in the file.
type Chunk struct {
	Heading string `json:"heading"`
	Place   string `json:"place"`
	Text    string `json:"text"`
}

// postings are the chunks that have a term, encoded as an Index reads them.
type postings struct {
	data        []byte
	chunks      int
	last, count int
	flags       int
}

// Write returns the index of documents. The same documents give the same bytes.
func Write(documents []Document) ([]byte, error) {
	w := &writer{terms: map[string]*postings{}}
	for _, document := range documents {
		w.add(document)
	}
	data := w.encode()
	if len(data) > math.MaxInt32 {
		return nil, fmt.Errorf("the index would have %d MB", len(data)>>20)
	}
	return data, nil
}

const fileNumbers = fileRecord / 4

type writer struct {
	files, chunks []uint32
	texts         []byte
	terms         map[string]*postings
	chunk, words  int
	touched       []*postings
}

// text stores a string and returns its place among the texts, and its length.
func (w *writer) text(value string) (at, length uint32) {
	at = uint32(len(w.texts))
	w.texts = append(w.texts, value...)
	return at, uint32(len(value))
}

func (w *writer) add(document Document) {
	file := uint32(len(w.files) / fileNumbers)
	at, length := w.text(document.Name)
	tableAt, tableLength := w.text(document.Table)
	w.files = append(w.files, at, length, uint32(w.chunk), uint32(len(document.Chunks)), tableAt, tableLength)
	heading, headingAt, headingLength := "", uint32(0), uint32(0)
	for _, chunk := range document.Chunks {
		if chunk.Heading != heading {
			heading = chunk.Heading
			headingAt, headingLength = w.text(heading)
		}
		placeAt, placeLength := w.text(chunk.Place)
		textAt, textLength := w.text(chunk.Text)
		words := w.count(document, chunk)
		w.chunks = append(w.chunks, file, uint32(words), headingAt, headingLength, placeAt, placeLength, textAt, textLength)
		w.chunk++
		w.words += words
	}
}

// count adds a chunk's words to the terms, and returns the number of those in its text.
func (w *writer) count(document Document, chunk Chunk) (words int) {
	tokenize(chunk.Text, func(token string) {
		w.posting(token).count++
		words++
	})
	tokenize(chunk.Heading, func(token string) { w.posting(token).flags |= 1 })
	tokenize(document.Name+" "+document.Title, func(token string) { w.posting(token).flags |= 2 })
	for _, p := range w.touched {
		p.data = binary.AppendUvarint(p.data, uint64(w.chunk-p.last))
		p.data = binary.AppendUvarint(p.data, uint64(p.count<<2|p.flags))
		p.last, p.count, p.flags = w.chunk, 0, 0
		p.chunks++
	}
	w.touched = w.touched[:0]
	return words
}

// posting returns the postings of a term, to be closed at the end of the chunk.
func (w *writer) posting(token string) *postings {
	p, found := w.terms[token]
	if !found {
		p = &postings{}
		w.terms[token] = p
	}
	if p.count == 0 && p.flags == 0 {
		w.touched = append(w.touched, p)
	}
	return p
}

func (w *writer) encode() []byte {
	words := slices.Sorted(maps.Keys(w.terms))
	filesAt := headerLen
	chunksAt := filesAt + 4*len(w.files)
	termsAt := chunksAt + 4*len(w.chunks)
	textsAt := termsAt + termRecord*len(words)
	for i := 0; i < len(w.files); i += fileNumbers {
		w.files[i] += uint32(textsAt)
		w.files[i+4] += uint32(textsAt)
	}
	for i := 0; i < len(w.chunks); i += 8 {
		w.chunks[i+2] += uint32(textsAt)
		w.chunks[i+4] += uint32(textsAt)
		w.chunks[i+6] += uint32(textsAt)
	}
	terms, tail := w.encodeTerms(words, textsAt+len(w.texts))
	header := []uint32{
		uint32(len(w.files) / fileNumbers), uint32(w.chunk), uint32(len(words)), uint32(w.words),
		uint32(filesAt), uint32(chunksAt), uint32(termsAt), uint32(textsAt + len(w.texts) + len(tail)),
	}
	out := append(make([]byte, 0, textsAt+len(w.texts)+len(tail)), magic...)
	out = appendNumbers(out, header)
	out = append(out, make([]byte, headerLen-len(out))...)
	for _, numbers := range [][]uint32{w.files, w.chunks, terms} {
		out = appendNumbers(out, numbers)
	}
	return append(append(out, w.texts...), tail...)
}

// encodeTerms returns the records of sorted terms, and their words and postings,
// which come to be at tailAt.
func (w *writer) encodeTerms(words []string, tailAt int) (records []uint32, tail []byte) {
	records = make([]uint32, 0, 4*len(words))
	for _, word := range words {
		p := w.terms[word]
		at := uint32(tailAt + len(tail))
		tail = append(append(tail, word...), p.data...)
		records = append(records, at, uint32(len(word)), uint32(p.chunks), at+uint32(len(word)))
	}
	return records, tail
}

func appendNumbers(to []byte, numbers []uint32) []byte {
	for _, number := range numbers {
		to = binary.LittleEndian.AppendUint32(to, number)
	}
	return to
}
