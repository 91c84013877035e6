package memory

import (
	"context"

	"agent.local/a0000000000000000/protocol"
)

// Limit limits this process to mib mebibytes and returns the agent with a
// watch over each answer: one that exceeds the limit ends with an
// *ExceededError. Without the kernel's limit the runtime's soft one applies.
func Limit(agent protocol.Agent, mib int) protocol.Agent {
	_ = Apply(mib)
	return limitedAgent{Agent: agent, mib: mib}
}

type limitedAgent struct {
	protocol.Agent
	mib int
}

func (l limitedAgent) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	watched, stop := Watch(ctx, l.mib)
	defer stop()
	return l.Agent.Handle(watched, request, emit)
}
