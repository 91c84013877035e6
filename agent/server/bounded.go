package server

import (
	"context"
	"encoding/json"
	"errors"

	"agent.local/a0000000000000000/protocol"
)

// MaxConcurrent bounds the answers in progress: more would only slow each other
// down at the provider.
const MaxConcurrent = 64

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
