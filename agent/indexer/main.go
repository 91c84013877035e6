// Command indexer writes the index of an agent's files. It runs where the agent is
// compiled, before that.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"agent.local/a0000000000000000/knowledge"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: indexer DOCUMENTS.json INDEX")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "indexer:", err)
		os.Exit(1)
	}
}

// run writes the index of the documents in one file to another.
func run(source, target string) error {
	raw, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	var documents []knowledge.Document
	if err := json.Unmarshal(raw, &documents); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	index, err := knowledge.Write(documents)
	if err != nil {
		return err
	}
	return os.WriteFile(target, index, 0o644)
}
