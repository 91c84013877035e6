// Package knowledgesearch lets the model search the files that are compiled into the
// agent.
package knowledgesearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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

// searcher searches one agent's files; its index is nil if there are none.
type searcher struct{ index *knowledge.Index }

// New returns the tool that searches the index in data. That an index is damaged is
// said when it is searched, not while a host loads the plugin.
func New(data string) tools.Tool {
	s := searcher{}
	if data != "" {
		s.index, _ = knowledge.Open(data)
	}
	tool := tools.Tool{
		Name:        "knowledge_search",
		Description: description,
		Schema:      json.RawMessage(schema),
		Run:         s.search,
		May:         tools.Reads,
		Finds:       true,
		Review:      s.review,
	}
	if s.index != nil {
		tool.Tables = s.index
	}
	return tool
}

func (s searcher) search(_ context.Context, arguments json.RawMessage) (string, error) {
	if s.index == nil {
		return "", knowledge.ErrDamaged
	}
	queries, file, err := parse(arguments)
	if err != nil {
		return "", err
	}
	if file != "" && !s.index.HasFile(file) {
		return "", fmt.Errorf("there is no file %q; the files are: %s", file, strings.Join(s.index.Files(), ", "))
	}
	passages := s.index.Search(queries, file, mostPassages)
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
func (s searcher) review(answer string) any {
	if s.index == nil {
		return nil
	}
	if citations := s.index.Check(answer); len(citations) > 0 {
		return citations
	}
	return nil
}
