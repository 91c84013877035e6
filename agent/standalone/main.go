// Command standalone is an agent as one executable file: what the host does
// with a plugin, with the agent compiled in.
package main

import (
	"os"

	bundle "agent.local/a0000000000000000"
	"agent.local/a0000000000000000/cli"
	"agent.local/a0000000000000000/protocol"
)

func main() {
	os.Exit(cli.Main(cli.Program{
		Name: "agent",
		Open: func(string) (protocol.Agent, error) { return bundle.Agent{}, nil },
		Site: openSite,
	}))
}
