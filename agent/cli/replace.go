package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"agent.local/a0000000000000000/memory"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

// replaceOn opens the agent anew for each signal. A build that does not open leaves the
// one before it in place. It returns the newest when ctx ends.
func (p Program) replaceOn(ctx context.Context, signals <-chan os.Signal, handler *server.Server, current protocol.Agent, argument string, log io.Writer) protocol.Agent {
	for {
		select {
		case <-ctx.Done():
			return current
		case <-signals:
		}
		next, manifest, err := p.reopen(current, argument)
		if err != nil {
			fmt.Fprintf(log, "%s: the agent was not replaced: %v\n", p.Name, err)
			continue
		}
		current = next
		handler.Replace(memory.Limit(next, manifest.Limits.MemoryMB), manifest)
		fmt.Fprintf(log, "%s %s answers from now on\n", manifest.Name, manifest.Version)
	}
}

// reopen returns the agent that the argument names now. A process loads a file once.
func (p Program) reopen(current protocol.Agent, argument string) (protocol.Agent, protocol.Manifest, error) {
	next, err := p.Open(argument)
	if err != nil {
		return nil, protocol.Manifest{}, err
	}
	if bytes.Equal(next.Manifest(), current.Manifest()) {
		return nil, protocol.Manifest{}, errors.New(argument + " is the same build; give a new one a file of its own, and rename a symbolic link to it over " + argument)
	}
	manifest, err := protocol.ReadManifest(next)
	return next, manifest, err
}
