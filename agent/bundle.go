// Package bundle is one particular agent: its configuration, the tools that
// were chosen for it, and the runtime that ties them together. Everything
// that differs between two builds lives in this directory; a tool is part of
// the agent when its tool_<name>.go file is present.
package bundle

import (
	"context"
	_ "embed"
	"os"
	"sync"

	"agent.local/a0000000000000000/conversation"
)

//go:embed agent.json
var blueprint []byte

// The configuration is parsed on first use rather than in init: loading a
// plugin runs init, and a broken agent should answer, not panic.
var assemble = sync.OnceValue(func() *conversation.Agent {
	return conversation.New(blueprint, os.Getenv)
})

// Manifest describes the agent as JSON.
func Manifest() []byte { return assemble().Manifest() }

// Handle answers one request and reports progress through emit.
func Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return assemble().Handle(ctx, request, emit)
}
