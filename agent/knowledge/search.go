package knowledge

import (
	"cmp"
	"math"
	"slices"
)

// BM25 with fields: Robertson and Zaragoza, The Probabilistic Relevance Framework
// (2009), section 3.5. A field's weight multiplies how often it has a term, before
// saturation. Chunks are short and much alike in length, so length counts half.
const (
	saturation    = 1.2
	lengthWeight  = 0.5
	headingWeight = 2.5
	nameWeight    = 1.5
	// What a word like it counts, such as refunds for refund.
	likeWeight = 0.4
	// Cormack, Clarke and Büttcher, Reciprocal Rank Fusion (2009).
	fusion = 60
	// Of each query, before fusion.
	mostRanked = 50
)

// Search returns at most limit passages for the queries, the best first: each query
// ranks by itself, and the ranks are fused. Of one file, if a name is given.
func (x *Index) Search(queries []string, file string, limit int) []Passage {
	first, end := 0, x.chunks
	if number, found := x.fileNamed(file); found {
		first, end = x.chunksOf(number)
	}
	fused := map[int]float64{}
	for _, query := range queries {
		for rank, chunk := range x.rank(query, first, end) {
			fused[chunk] += 1 / float64(fusion+rank)
		}
	}
	chunks := make([]int, 0, len(fused))
	for chunk := range fused {
		chunks = append(chunks, chunk)
	}
	slices.SortFunc(chunks, func(a, b int) int {
		return cmp.Or(cmp.Compare(fused[b], fused[a]), cmp.Compare(a, b))
	})
	passages := make([]Passage, 0, limit)
	for _, chunk := range chunks[:min(len(chunks), limit)] {
		passages = append(passages, x.passage(chunk))
	}
	return passages
}

// rank returns the best chunks from first to before end for one query.
func (x *Index) rank(query string, first, end int) []int {
	scores := make([]float32, x.chunks)
	weights := make([]float32, x.chunks)
	seen := map[string]bool{}
	tokenize(query, func(token string) {
		if !seen[token] {
			seen[token] = true
			x.addTerm(token, scores, weights)
		}
	})
	return best(scores[first:end], first)
}

// addTerm adds to each chunk's score what a word of the query gives it. weights is
// room for the sums, all zero before and after.
func (x *Index) addTerm(word string, scores, weights []float32) {
	meanings, most := x.meanings(word)
	touched := make([]int, 0, min(most, x.chunks))
	for _, meaning := range meanings {
		x.occurrences(meaning.term, func(o occurrence) {
			if weights[o.chunk] == 0 {
				touched = append(touched, o.chunk)
			}
			weights[o.chunk] += meaning.weight * o.frequency()
		})
	}
	if len(touched) == 0 {
		return
	}
	n := float64(len(touched))
	rarity := float32(math.Log(1 + (float64(x.chunks)-n+0.5)/(n+0.5)))
	average := float32(max(x.words, 1)) / float32(x.chunks)
	for _, chunk := range touched {
		length := 1 - lengthWeight + lengthWeight*float32(x.wordsOf(chunk))/average
		scores[chunk] += rarity * weights[chunk] * (saturation + 1) / (weights[chunk] + saturation*length)
		weights[chunk] = 0
	}
}

// meaning is a term that a word of a query stands for.
type meaning struct {
	term   int
	weight float32
}

// meanings returns the terms that a word stands for, and the most chunks that have any.
func (x *Index) meanings(word string) (meanings []meaning, chunks int) {
	term := x.firstTerm(word)
	known := term < x.terms && x.word(term) == word
	if known {
		meanings = append(meanings, meaning{term, 1})
	}
	for _, like := range x.like(word, known) {
		meanings = append(meanings, meaning{like, likeWeight})
	}
	for _, each := range meanings {
		chunks += x.chunksWith(each.term)
	}
	return meanings, chunks
}

// frequency returns how often a chunk has the term, with the weights of its fields.
func (o occurrence) frequency() float32 {
	frequency := float32(o.body)
	if o.heading {
		frequency += headingWeight
	}
	if o.inName {
		frequency += nameWeight
	}
	return frequency
}

// best returns the numbers of the highest scores, the highest first; offset is that
// of the first score.
func best(scores []float32, offset int) []int {
	var top []int
	floor := float32(0)
	for i, score := range scores {
		if score <= floor {
			continue
		}
		at, _ := slices.BinarySearchFunc(top, score, func(chunk int, score float32) int {
			if scores[chunk-offset] >= score {
				return -1
			}
			return 1
		})
		top = slices.Insert(top, at, i+offset)
		if len(top) > mostRanked {
			top = top[:mostRanked]
			floor = scores[top[mostRanked-1]-offset]
		}
	}
	return top
}
