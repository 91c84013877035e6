package webchat

import (
	"encoding/json"
	"errors"

	"agent.local/a0000000000000000/auth"
)

// Limits of a state. The oldest exchanges are dropped first.
const (
	maxMessages = 40
	maxState    = 96 << 10
)

const purpose = "conversation"

var errState = errors.New("this conversation or the site was changed: start a new conversation")

// conversation is what a state holds. Agent is the agent's own state; while calls wait
// for the visitor, the last message is the question that is being answered.
type conversation struct {
	Messages []message `json:"messages"`
	Agent    string    `json:"agent,omitempty"`
	Waits    bool      `json:"waits,omitempty"`
}

// message is one of a conversation. Pictures has the digests of its images, which the
// page keeps and sends again: they would not fit into a state.
type message struct {
	Role     string   `json:"role"`
	Content  string   `json:"content"`
	Pictures []string `json:"pictures,omitempty"`
}

// stateCodec turns conversations into states that visitors store and cannot
// change, so that nobody can put words into the agent's mouth.
type stateCodec struct{ sealer auth.Sealer }

// decode returns the conversation of a state, an empty one if there is none.
func (s stateCodec) decode(state string) (conversation, error) {
	var c conversation
	if state == "" {
		return c, nil
	}
	text, ok := s.sealer.Open(purpose, state)
	if !ok {
		return c, errState
	}
	// Earlier versions stored the messages alone.
	if json.Unmarshal([]byte(text), &c.Messages) != nil && json.Unmarshal([]byte(text), &c) != nil {
		return c, errState
	}
	return c, nil
}

func (s stateCodec) encode(c conversation) string {
	for {
		encoded, _ := json.Marshal(c)
		isSmall := len(c.Messages) <= maxMessages && len(encoded)-len(c.Agent) <= maxState
		// A turn that waits goes on with exactly these messages.
		if c.Waits || len(c.Messages) <= 2 || isSmall {
			return s.sealer.Seal(purpose, string(encoded))
		}
		c.Messages = c.Messages[2:]
	}
}
