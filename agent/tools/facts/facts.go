// Package facts is the tool for what an agent should remember across conversations:
// short texts in one file.
package facts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/tools/datadir"
)

const unavailable = "facts can't be kept here: the agent has no directory for them (" + datadir.Env + "); tell the user"

func init() {
	register("facts_save", "Save one fact that will matter in later conversations, in one self-contained sentence.",
		"text", "The fact, up to 1000 characters.", tools.Writes,
		func(s store, text string) (string, error) { return s.save(text) })
	register("facts_find", "Find the saved facts about something. An empty query lists the newest.",
		"query", "A few words.", tools.Reads,
		func(s store, query string) (string, error) { return s.find(query) })
	register("facts_forget", "Forget a saved fact.",
		"id", "The fact's id, as facts_find gives it.", tools.Writes,
		func(s store, id string) (string, error) { return s.forget(id) })
}

// register adds a function with one text argument.
func register(name, description, argument, about string, may tools.May, run func(store, string) (string, error)) {
	schema, _ := json.Marshal(map[string]any{
		"type":                 "object",
		"properties":           map[string]any{argument: map[string]string{"type": "string", "description": about}},
		"required":             []string{argument},
		"additionalProperties": false,
	})
	tools.Register(tools.Tool{
		Name: name, Set: "facts", Description: description, Schema: schema, May: may,
		// What was saved may come from a page that an earlier conversation read.
		Untrusted: may == tools.Reads,
		Run:       func(context.Context, json.RawMessage) (string, error) { return "", errors.New(unavailable) },
		Configure: func(tool tools.Tool, settings json.RawMessage, getenv func(string) string) (tools.Tool, error) {
			directory, err := datadir.Find(settings, getenv)
			if err != nil {
				return tool, err
			}
			if directory == "" {
				tool.Unavailable = unavailable
				return tool, nil
			}
			tool.Run = func(_ context.Context, arguments json.RawMessage) (string, error) {
				var input map[string]string
				if err := json.Unmarshal(arguments, &input); err != nil {
					return "", fmt.Errorf("bad arguments: %w", err)
				}
				return run(store{directory}, strings.TrimSpace(input[argument]))
			}
			return tool, nil
		},
	})
}
