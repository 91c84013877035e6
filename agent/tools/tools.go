// Package tools is the registry of the functions that a model may call. A tool
// registers itself when its package is compiled in.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// May says what a call of a tool may do beyond answering from its arguments.
type May uint8

// What a call may do. Reads is for what the agent keeps or was given, Writes for what
// stays after the answer, Reaches for connections to other machines.
const (
	Reads May = 1 << iota
	Writes
	Reaches
)

// Words returns what a call may do, as in manifests.
func (m May) Words() []string {
	words := []string{}
	for i, word := range []string{"reads", "writes", "reaches"} {
		if m&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return words
}

// Tool is one function that the model may call.
type Tool struct {
	Name        string
	Description string
	// Schema is a JSON Schema of type object for the arguments.
	Schema json.RawMessage
	// Run answers one call. The model receives an error as the result, and may try
	// again.
	Run func(ctx context.Context, arguments json.RawMessage) (string, error)

	// Set is the tool of agent.json that the function belongs to; Name if empty.
	Set string
	May May
	// Untrusted results hold text that others wrote.
	Untrusted bool
	// Finds is set if results hold texts that were there before the call, word for word, as
	// those of others do. What a result makes of its arguments is the model's.
	Finds bool
	// Unavailable says, in words for the model, why no call can run here.
	Unavailable string
	// Host is the only host that calls reach, where the agent's owner chose it; then the
	// model can't lead them elsewhere.
	Host string
	// URLs returns the addresses that a call would reach.
	URLs func(arguments json.RawMessage) []string
	// Scope describes the calls that a person approves together with this one, as in
	// "path notes.txt"; if nil, those with the same arguments.
	Scope func(arguments json.RawMessage) string
	// Configure returns the tool with the settings that agent.json has for it, nil if
	// there are none. A tool without Configure has no settings.
	Configure func(tool Tool, settings json.RawMessage, getenv func(string) string) (Tool, error)
	// Functions, if set, returns the functions that the settings describe; they replace
	// this one, which can't run.
	Functions func(settings json.RawMessage, getenv func(string) string) ([]Tool, error)
	// Tables are those that the tool has of the agent's files; UseTables returns the tool
	// for an agent with them.
	Tables    Tables
	UseTables func(tool Tool, tables Tables) Tool
	// Review, if set, checks a finished answer against what the tool knows. The event
	// "citations" carries what it returns; nil is nothing to say.
	Review func(answer string) any
}

// DisabledError is the result of a call of a tool that no longer is what the agent's
// owner chose. The event "tool_disabled" reports it.
type DisabledError struct{ Reason string }

func (e *DisabledError) Error() string { return e.Reason }

// Tables are the tables among an agent's files, as comma-separated values.
type Tables interface {
	// TableNames returns the names of the files that are tables, in order.
	TableNames() []string
	Table(name string) (text string, found bool)
}

// ConnectTables hands the tables that a tool has to the tools that use them.
func ConnectTables(chosen []Tool) {
	at := slices.IndexFunc(chosen, func(t Tool) bool { return t.Tables != nil && len(t.Tables.TableNames()) > 0 })
	if at < 0 {
		return
	}
	for i, tool := range chosen {
		if tool.UseTables != nil {
			chosen[i] = tool.UseTables(tool, chosen[at].Tables)
		}
	}
}

// Owner returns the tool of agent.json that the function belongs to.
func (t Tool) Owner() string {
	if t.Set != "" {
		return t.Set
	}
	return t.Name
}

// IsGuarded reports whether calls need more than their arguments to be judged.
func (t Tool) IsGuarded() bool { return t.May != 0 || t.Untrusted }

var (
	mu       sync.RWMutex
	registry = map[string]Tool{}
)

// Register adds a tool; call it from init. It panics if the tool is incomplete or
// the name is taken, which is a mistake in the sources.
func Register(t Tool) {
	mu.Lock()
	defer mu.Unlock()
	runs := t.Functions != nil || t.Run != nil && json.Valid(t.Schema)
	if _, taken := registry[t.Name]; taken || t.Name == "" || !runs {
		panic("tools: invalid or duplicate tool " + t.Name)
	}
	registry[t.Name] = t
}

// Select returns the functions of the named tools in the given order, or an error
// for the first that is not compiled in. An agent's own tools are not registered.
func Select(names []string, own ...Tool) ([]Tool, error) {
	mu.RLock()
	defer mu.RUnlock()
	selected := make([]Tool, 0, len(names))
	for _, name := range names {
		before := len(selected)
		for _, tool := range slices.AppendSeq(slices.Clone(own), maps.Values(registry)) {
			if tool.Owner() == name {
				selected = append(selected, tool)
			}
		}
		functions := selected[before:]
		if len(functions) == 0 {
			return nil, fmt.Errorf("the tool %q is not compiled into this agent", name)
		}
		slices.SortFunc(functions, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	}
	return selected, nil
}

// Configured returns the functions of the named tools with their settings. An error
// names the tool whose settings it refuses.
func Configured(names []string, settings map[string]json.RawMessage, getenv func(string) string, own ...Tool) ([]Tool, error) {
	selected, err := Select(names, own...)
	if err != nil {
		return nil, err
	}
	configured := make([]Tool, 0, len(selected))
	for _, tool := range selected {
		functions, err := tool.configured(settings[tool.Owner()], getenv)
		if err != nil {
			return nil, fmt.Errorf("the settings of the tool %q: %w", tool.Owner(), err)
		}
		for _, function := range functions {
			if slices.ContainsFunc(configured, func(other Tool) bool { return other.Name == function.Name }) {
				return nil, fmt.Errorf("two functions are called %q", function.Name)
			}
			configured = append(configured, function)
		}
	}
	return configured, nil
}

func (t Tool) configured(given json.RawMessage, getenv func(string) string) ([]Tool, error) {
	switch {
	case t.Functions != nil:
		return t.Functions(given, getenv)
	case t.Configure != nil:
		tool, err := t.Configure(t, given, getenv)
		return []Tool{tool}, err
	case given != nil:
		return nil, errors.New("it has no settings")
	}
	return []Tool{t}, nil
}
