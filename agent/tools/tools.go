// Package tools is the register of what an agent can do besides talking. A
// tool registers itself when its package is compiled in.
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
	// Run answers one call. Its error is told to the model, which may try again.
	Run func(ctx context.Context, arguments json.RawMessage) (string, error)
}

var (
	mu       sync.RWMutex
	register = map[string]Tool{}
)

// Register adds a tool. It is called from init and panics on a name that is
// taken, which is a mistake in the sources.
func Register(t Tool) {
	mu.Lock()
	defer mu.Unlock()
	if _, taken := register[t.Name]; taken || t.Name == "" || t.Run == nil || !json.Valid(t.Schema) {
		panic("tools: bad or repeated registration of " + t.Name)
	}
	register[t.Name] = t
}

// Select returns the named tools in the order given, or an error that names
// the first one which is not compiled in.
func Select(names []string) ([]Tool, error) {
	mu.RLock()
	defer mu.RUnlock()
	selected := make([]Tool, 0, len(names))
	for _, name := range names {
		tool, ok := register[name]
		if !ok {
			return nil, fmt.Errorf("the tool %q is not compiled into this agent", name)
		}
		selected = append(selected, tool)
	}
	return selected, nil
}
