package webchat

import (
	"encoding/json"
	"errors"

	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/protocol"
)

// Limits of a state. The oldest exchanges are dropped first.
const (
	maxMessages = 40
	maxState    = 96 << 10
)

const purpose = "conversation"

var errState = errors.New("this conversation or the site was changed: start a new conversation")

// stateCodec turns conversations into states that visitors store and cannot
// change, so that nobody can put words into the agent's mouth.
type stateCodec struct{ sealer auth.Sealer }

// decode returns the messages of a state, none if it is empty.
func (s stateCodec) decode(state string) ([]protocol.Message, error) {
	var messages []protocol.Message
	if state == "" {
		return messages, nil
	}
	text, ok := s.sealer.Open(purpose, state)
	if !ok || json.Unmarshal([]byte(text), &messages) != nil {
		return nil, errState
	}
	return messages, nil
}

func (s stateCodec) encode(messages []protocol.Message) string {
	for {
		encoded, _ := json.Marshal(messages)
		if len(messages) <= 2 || len(messages) <= maxMessages && len(encoded) <= maxState {
			return s.sealer.Seal(purpose, string(encoded))
		}
		messages = messages[2:]
	}
}
