// Package tools is the registry of the functions that a model may call. A tool
// registers itself when its package is compiled in.
package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// Tool is one function that the model may call.
type Tool struct {
	Name        string
	Description string
	// Schema is a JSON Schema of type object for the arguments.
	Schema json.RawMessage
	// Run answers one call. The model receives an error as the result, and may try
	// again.
	Run func(ctx context.Context, arguments json.RawMessage) (string, error)
}

var (
	mu       sync.RWMutex
	registry = map[string]Tool{}
)

// Register adds a tool; call it from init. It panics if the tool is incomplete or
// the name is taken, which is a mistake in the sources.
func Register(t Tool) {
	mu.Lock()
	defer mu.Unlock()
	if _, taken := registry[t.Name]; taken || t.Name == "" || t.Run == nil || !json.Valid(t.Schema) {
		panic("tools: invalid or duplicate tool " + t.Name)
	}
	registry[t.Name] = t
}

// Select returns the named tools in the given order, or an error for the first that
// is not compiled in.
func Select(names []string) ([]Tool, error) {
	mu.RLock()
	defer mu.RUnlock()
	selected := make([]Tool, 0, len(names))
	for _, name := range names {
		tool, ok := registry[name]
		if !ok {
			return nil, fmt.Errorf("the tool %q is not compiled into this agent", name)
		}
		selected = append(selected, tool)
	}
	return selected, nil
}
