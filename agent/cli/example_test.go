package cli_test

import (
	"os"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/cli"
	"agent.local/a0000000000000000/protocol"
)

func ExampleMain() {
	os.Exit(cli.Main(cli.Program{
		Name: "agent",
		Open: func(string) (protocol.Agent, error) { return &agenttest.Agent{}, nil },
	}))
}
