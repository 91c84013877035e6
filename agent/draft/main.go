// Command draft is an agent that takes its configuration at run time, for
// answers before a build. Every tool is compiled in; the configuration names
// those that the agent has.
package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	_ "agent.local/a0000000000000000"
	"agent.local/a0000000000000000/cli"
	"agent.local/a0000000000000000/conversation"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/tools/knowledgesearch"
)

func main() {
	os.Exit(cli.Main(cli.Program{Name: "agentforge-draft", Argument: "AGENT.json", Open: open}))
}

// open returns the agent of the configuration at path.
func open(path string) (protocol.Agent, error) {
	blueprint, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	// The index of its files is beside it, if it has any.
	index, err := os.ReadFile(filepath.Join(filepath.Dir(path), "knowledge.bin"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	search := knowledgesearch.New(string(index))
	return conversation.New(blueprint, os.Getenv, conversation.WithTools(search)), nil
}
