package bundle

import (
	_ "embed"

	"agent.local/a0000000000000000/tools/knowledgesearch"
)

// As a string, it is not copied and not read until it is searched.
//
//go:embed knowledge.bin
var knowledgeIndex string

// An index that is damaged is said when it is searched, not while a host loads the
// plugin.
func init() { _ = knowledgesearch.Use(knowledgeIndex) }
