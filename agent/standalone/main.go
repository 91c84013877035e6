// Command standalone is an agent as one executable file: what the host does
// with a plugin, with the agent compiled in.
package main

import (
	"context"
	"os"

	bundle "agent.local/a0000000000000000"
	"agent.local/a0000000000000000/cli"
)

type compiledIn struct{}

func (compiledIn) Manifest() []byte { return bundle.Manifest() }

func (compiledIn) Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return bundle.Handle(ctx, request, emit)
}

func main() {
	os.Exit(cli.Main(cli.Program{
		Name: "agent",
		Open: func(string) (cli.Agent, error) { return compiledIn{}, nil },
		Site: openSite,
	}))
}
