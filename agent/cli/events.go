package cli

import (
	"context"
	"encoding/json"
	"errors"
)

// message is one entry of a request.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// event is any event of an agent.
type event struct {
	Type      string
	Text      string
	Name      string
	Arguments json.RawMessage
	Result    string
	Error     bool
	Code      string
	Message   string
	Finish    string
	Input     int `json:"input_tokens"`
	Output    int `json:"output_tokens"`
}

func encodeRequest(messages []message) []byte {
	encoded, _ := json.Marshal(map[string]any{"messages": messages})
	return encoded
}

var errNoEnd = errors.New("the agent stopped without an answer")

// converse sends messages to the agent and hands each event to see. It returns
// the closing event, made up where the agent gave none; an error event is
// returned as error as well.
func converse(ctx context.Context, agent Agent, messages []message, see func(event) error) (event, error) {
	var last event
	err := agent.Handle(ctx, encodeRequest(messages), func(raw []byte) error {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		last = e
		return see(e)
	})
	switch last.Type {
	case "done":
		return last, err
	case "error":
		return last, errors.New(last.Message)
	}
	if err == nil {
		err = errNoEnd
	}
	return event{Type: "error", Code: "internal", Message: err.Error()}, err
}
