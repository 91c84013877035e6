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

// The configuration is parsed on first use, not in init: loading a plugin runs
// init, and a broken agent should answer with an error, not panic.
var assemble = sync.OnceValue(func() *conversation.Agent {
	return conversation.New(blueprint, os.Getenv)
})

// Manifest describes the agent as JSON.
func Manifest() []byte { return assemble().Manifest() }

// Handle answers one request and reports progress through emit.
func Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return assemble().Handle(ctx, request, emit)
}

// Agent is this agent as a value, for programs that it is compiled into.
type Agent struct{}

// Manifest describes the agent as JSON.
func (Agent) Manifest() []byte { return Manifest() }

// Handle answers one request and reports progress through emit.
func (Agent) Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return Handle(ctx, request, emit)
}
