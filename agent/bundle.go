package bundle

import (
	"context"
	_ "embed"
	"os"
	"reflect"
	"sync"

	"agent.local/a0000000000000000/conversation"
	"agent.local/a0000000000000000/tools"
)

//go:embed agent.json
var blueprint []byte

// own are the tools that hold data of this agent. This package is this agent's
// alone; a process has all others once, for every agent that it loads.
var own []tools.Tool

// The configuration is parsed on first use, not in init: loading a plugin runs
// init, and a broken agent should answer with an error, not panic.
var assemble = sync.OnceValue(func() *conversation.Agent {
	module := reflect.TypeFor[Agent]().PkgPath()
	return conversation.New(blueprint, os.Getenv, conversation.WithModule(module), conversation.WithTools(own...))
})

// Manifest describes the agent as JSON.
func Manifest() []byte { return assemble().Manifest() }

// Handle answers one request and reports progress through emit.
func Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return assemble().Handle(ctx, request, emit)
}

// Flush sends what is still to be reported of the answers so far, until ctx ends.
func Flush(ctx context.Context) { assemble().Flush(ctx) }

// Agent is this agent as a value, for programs that it is compiled into.
type Agent struct{}

// Manifest describes the agent as JSON.
func (Agent) Manifest() []byte { return Manifest() }

// Handle answers one request and reports progress through emit.
func (Agent) Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return Handle(ctx, request, emit)
}

// Flush sends what is still to be reported of the answers so far, until ctx ends.
func (Agent) Flush(ctx context.Context) { Flush(ctx) }
