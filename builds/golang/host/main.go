// Command host loads an agent's plugin and lets people and programs talk to it.
package main

import (
	"os"

	"agent.local/a0000000000000000/front"
	"agent.local/a0000000000000000/loader"
)

func main() {
	os.Exit(front.Main(front.Program{
		Name:     "agentforge-host",
		Argument: "PLUGIN.so",
		Open:     func(path string) (front.Agent, error) { return loader.Open(path) },
	}))
}
