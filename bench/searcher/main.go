// Command searcher searches documents as a compiled agent does, for the measurement of
// what it finds. It reads searches from its input, one JSON list of queries a line, and
// answers each with the sources and texts of the passages, the best first, and the time.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"agent.local/a0000000000000000/knowledge"
)

const passages = 10

type answer struct {
	Passages []knowledge.Passage `json:"passages"`
	MS       float64             `json:"ms"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: searcher DOCUMENTS.json")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(path string) error {
	index, err := open(path)
	if err != nil {
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	searches := bufio.NewScanner(os.Stdin)
	for searches.Scan() {
		var queries []string
		if err := json.Unmarshal(searches.Bytes(), &queries); err != nil {
			return fmt.Errorf("%q is no list of queries: %w", searches.Text(), err)
		}
		started := time.Now()
		found := index.Search(queries, "", passages)
		taken := time.Since(started)
		if err := answers.Encode(answer{found, taken.Seconds() * 1000}); err != nil {
			return err
		}
	}
	return searches.Err()
}

func open(path string) (*knowledge.Index, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var documents []knowledge.Document
	if err := json.Unmarshal(raw, &documents); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	data, err := knowledge.Write(documents)
	if err != nil {
		return nil, err
	}
	return knowledge.Open(string(data))
}
