// Command host loads an agent's plugin and serves it to people and programs.
package main

import (
	"os"

	"agent.local/a0000000000000000/cli"
	"agent.local/a0000000000000000/loader"
	"agent.local/a0000000000000000/protocol"
)

const name = "agentforge-host"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "verify" {
		os.Exit(loader.Verify(name, os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(cli.Main(cli.Program{
		Name:     name,
		Argument: "PLUGIN.so",
		Open:     func(path string) (protocol.Agent, error) { return loader.Open(path) },
	}))
}
