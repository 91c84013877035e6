package server

import (
	"context"
	"encoding/json"
	"errors"

	"agent.local/a0000000000000000/protocol"
)

// MaxConcurrent bounds the answers in progress. An ordinary one takes a tenth of a
// megabyte (make bench agent), so they fit into the smallest memory limit.
const MaxConcurrent = 256

// Bounded refuses answers beyond MaxConcurrent, on whichever surfaces share it.
func Bounded(agent protocol.Agent) protocol.Agent {
	if _, isBounded := agent.(bounded); isBounded {
		return agent
	}
	return bounded{Agent: agent, slots: make(chan struct{}, MaxConcurrent)}
}

// bounded refuses answers beyond its slots.
type bounded struct {
	protocol.Agent
	slots chan struct{}
}

var errBusy = errors.New("the agent is answering as many questions as it can; try again in a moment")

func (b bounded) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
		return b.Agent.Handle(ctx, request, emit)
	default:
	}
	event, _ := json.Marshal(map[string]string{"type": "error", "code": "busy", "message": errBusy.Error()})
	if err := emit(event); err != nil {
		return err
	}
	return errBusy
}
