// Package knowledgesearch lets the model search the files that are compiled into the
// agent.
package knowledgesearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"agent.local/a0000000000000000/knowledge"
	"agent.local/a0000000000000000/tools"
)

const (
	mostQueries  = 4
	longestQuery = 500
	mostPassages = 6
)

const description = "Search the agent's files. Returns the passages that fit best, each under its source in brackets: " +
	"[file, place]. Give 1 to 4 queries of a few words each: other words for the same thing find more."

const schema = `{"type":"object","properties":{` +
	`"queries":{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":4,"description":"What to search for."},` +
	`"file":{"type":"string","description":"The name of a file, to search this one alone."}},` +
	`"required":["queries"],"additionalProperties":false}`

// opened is the index that is searched; nil until Use.
var opened atomic.Pointer[knowledge.Index]

func init() {
	tools.Register(tools.Tool{
		Name:        "knowledge_search",
		Description: description,
		Schema:      json.RawMessage(schema),
		Run:         search,
		May:         tools.Reads,
		Review:      review,
	})
}

// Use makes an index the one that is searched. Empty data, as of a program without an
// agent's files, is none.
func Use(data string) error {
	if data == "" {
		return nil
	}
	index, err := knowledge.Open(data)
	if err == nil {
		opened.Store(index)
	}
	return err
}

func search(_ context.Context, arguments json.RawMessage) (string, error) {
	index := opened.Load()
	if index == nil {
		return "", knowledge.ErrDamaged
	}
	queries, file, err := parse(arguments)
	if err != nil {
		return "", err
	}
	if file != "" && !index.HasFile(file) {
		return "", fmt.Errorf("there is no file %q; the files are: %s", file, strings.Join(index.Files(), ", "))
	}
	passages := index.Search(queries, file, mostPassages)
	if len(passages) == 0 {
		return "No passage has any of these words. Search again with other words, or say that the files do not tell.", nil
	}
	var result strings.Builder
	for _, passage := range passages {
		fmt.Fprintf(&result, "%s\n%s\n\n", passage.Source(), passage.Text)
	}
	return strings.TrimRight(result.String(), "\n"), nil
}

// parse reads the arguments; models also send one query, as a string or by its name.
func parse(arguments json.RawMessage) (queries []string, file string, err error) {
	var given struct {
		Queries json.RawMessage `json:"queries"`
		Query   string          `json:"query"`
		File    string          `json:"file"`
	}
	if err := json.Unmarshal(arguments, &given); err != nil {
		return nil, "", errors.New(`give the arguments as {"queries":["…"]}`)
	}
	one := given.Query
	if json.Unmarshal(given.Queries, &queries) != nil {
		queries = nil
		_ = json.Unmarshal(given.Queries, &one)
	}
	if len(queries) == 0 {
		queries = []string{one}
	}
	kept := queries[:0]
	for _, query := range queries[:min(len(queries), mostQueries)] {
		if query = strings.TrimSpace(query); query != "" {
			kept = append(kept, query[:min(len(query), longestQuery)])
		}
	}
	if len(kept) == 0 {
		return nil, "", errors.New("give at least one query of a few words")
	}
	return kept, strings.TrimSpace(given.File), nil
}

// review returns what became of checking an answer's citations; nil if it has none.
func review(answer string) any {
	index := opened.Load()
	if index == nil {
		return nil
	}
	if citations := index.Check(answer); len(citations) > 0 {
		return citations
	}
	return nil
}
