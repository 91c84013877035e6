// Package datadir finds the directory where a tool keeps or reads files.
package datadir

import (
	"encoding/json"
	"os"
	"path/filepath"
)

const (
	// Env is the variable with the directory of what agents keep. The setting
	// "directory" in agent.json takes precedence.
	Env = "AGENT_DATA_DIR"
	// RootEnv is the variable with a directory that stands for the file system's root: a
	// tool whose setting is /srv/agent uses DIR/srv/agent, which it creates.
	RootEnv = "AGENT_DATA_ROOT"
	// FactsFile is the agent's own, which the model changes by the tool for facts alone.
	FactsFile = "facts.jsonl"
)

// Find returns the directory of a tool with these settings; empty if there is none.
func Find(settings json.RawMessage, getenv func(string) string) (string, error) {
	var given struct {
		Directory string `json:"directory"`
	}
	if settings != nil {
		if err := json.Unmarshal(settings, &given); err != nil {
			return "", err
		}
	}
	if given.Directory == "" {
		return getenv(Env), nil
	}
	root := getenv(RootEnv)
	if root == "" {
		return given.Directory, nil
	}
	volume := filepath.VolumeName(given.Directory)
	directory := filepath.Join(root, filepath.Clean(string(filepath.Separator)+given.Directory[len(volume):]))
	// The tool says what is wrong with a directory that can't be opened.
	_ = os.MkdirAll(directory, 0o700)
	return directory, nil
}
