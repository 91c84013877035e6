package cli

import (
	"net/http"

	"agent.local/a0000000000000000/memory"
)

// Handler returns the HTTP face of an agent, for a program with a server of
// its own kind; an empty token lets everybody in. The agent's memory limit
// holds from then on.
func Handler(agent Agent, token string) (http.Handler, error) {
	about, err := readManifest(agent)
	if err != nil {
		return nil, err
	}
	// Without the kernel's limit the soft one still holds.
	_ = memory.Apply(about.Limits.MemoryMB)
	limited := limitedAgent{Agent: agent, mib: about.Limits.MemoryMB}
	return newHandler(limited, about, token), nil
}
