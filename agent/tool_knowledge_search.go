package bundle

import (
	_ "embed"

	"agent.local/a0000000000000000/tools/knowledgesearch"
)

// As a string, it is not copied and not read until it is searched.
//
//go:embed knowledge.bin
var knowledgeIndex string

func init() { own = append(own, knowledgesearch.New(knowledgeIndex)) }
