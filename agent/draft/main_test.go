package main

import (
	"bytes"
	"path/filepath"
	"testing"

	bundle "agent.local/a0000000000000000"
)

// A draft is the agent that would be compiled of the same configuration.
func TestOpenSample(t *testing.T) {
	t.Parallel()
	agent, err := open("../agent.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := agent.Manifest(), bundle.Manifest(); !bytes.Equal(got, want) {
		t.Errorf("manifest %s, want %s", got, want)
	}
}

func TestOpenMissing(t *testing.T) {
	t.Parallel()
	if _, err := open(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a missing configuration was opened")
	}
}
