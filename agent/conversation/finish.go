package conversation

import (
	"fmt"
	"strings"

	"agent.local/a0000000000000000/providers"
)

// review lets the tools check the answer, and reports what they say.
func (t *turn) review() error {
	for _, tool := range t.tools {
		if tool.Review == nil {
			continue
		}
		if citations := tool.Review(t.text.String()); citations != nil {
			return t.out.send(citationsEvent{"citations", citations})
		}
	}
	return nil
}

func (t *turn) finish(reply providers.Reply, exhausted bool) (doneEvent, error) {
	if strings.TrimSpace(t.text.String()) == "" {
		return doneEvent{}, t.emptyAnswer(reply)
	}
	if exhausted {
		return doneEvent{Finish: "tool_rounds"}, nil
	}
	return doneEvent{Finish: string(reply.Finish), Reason: reply.Reason}, nil
}

// emptyAnswer says why there is no text.
func (t *turn) emptyAnswer(reply providers.Reply) error {
	limit := t.maxTokens()
	switch {
	case len(reply.Calls) > 0 && t.config.Limits.ToolRounds > 0 && len(t.tools) > 0:
		return failure(codeToolRounds, fmt.Sprintf(
			"the model still called tools after the agent's limit of %d rounds and gave no answer", t.config.Limits.ToolRounds))
	case len(reply.Calls) > 0:
		return failure(string(providers.Unreachable), "the model called a tool, but this agent has none, and gave no answer; ask again")
	case reply.Reasoned && reply.Finish == providers.Length:
		return failure(string(providers.Unreachable), fmt.Sprintf(
			"the model used the limit of %d tokens for reasoning and gave no answer; choose longer answers or another model", limit))
	case reply.Finish == providers.Length:
		return failure(string(providers.Unreachable), fmt.Sprintf(
			"the model reached the length limit (%d tokens for the answer) before any text; shorten the conversation or choose longer answers", limit))
	case reply.Reasoned:
		return failure(string(providers.Unreachable), "the model sent its reasoning, but no answer; ask again or choose another model")
	case reply.Reason != "":
		return failure(string(providers.Unreachable), fmt.Sprintf("the model gave no answer (%s); ask again", reply.Reason))
	}
	return failure(string(providers.Unreachable), "the model sent neither text nor a tool call; ask again or choose another model")
}
