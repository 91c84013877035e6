package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Schema is the version of manifests, requests and events.
const Schema = 1

// Manifest is the part of an agent's manifest that hosts use.
type Manifest struct {
	Name        string
	Handle      string
	Version     string
	Description string
	Error       string
	Schema      int
	Limits      struct {
		MemoryMB int `json:"memory_mb"`
	}
	ConfigSHA256 string `json:"config_sha256"`
	// RequestFields are the optional fields of a request that the agent knows.
	RequestFields []string `json:"request_fields"`
}

// Knows reports whether the agent knows an optional field of a request. Agents that
// were built before it existed do not.
func (m Manifest) Knows(field string) bool { return slices.Contains(m.RequestFields, field) }

// ReadManifest returns the agent's manifest, or an error if the agent is
// unusable: its manifest says so, or has a schema other than Schema.
func ReadManifest(agent Agent) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(agent.Manifest(), &m); err != nil {
		return Manifest{}, fmt.Errorf("the agent's manifest is not readable: %w", err)
	}
	if m.Error != "" {
		return Manifest{}, errors.New(m.Error)
	}
	if m.Schema != Schema {
		return Manifest{}, fmt.Errorf("the agent has schema %d, this program knows %d; use the one that came with the agent", m.Schema, Schema)
	}
	return m, nil
}
