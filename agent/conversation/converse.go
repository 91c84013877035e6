package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"agent.local/a0000000000000000/providers"
)

// conversation is the state of one answer.
type conversation struct {
	*Agent
	out      *output
	messages []providers.Message
	text     strings.Builder
	usage    providers.Usage
	rounds   int
	// parted is set when a round has ended, so that the text of the next one
	// begins a new paragraph.
	parted bool
}

func (a *Agent) converse(ctx context.Context, messages []providers.Message, out *output) error {
	started := time.Now()
	c := &conversation{Agent: a, out: out, messages: messages}
	finish, err := c.run(ctx)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	// Tokens of a failed answer are billed all the same.
	if err == nil || c.usage != (providers.Usage{}) {
		if e := out.send(usageEvent{"usage", c.usage.Input, c.usage.Output}); e != nil {
			return e
		}
	}
	if err != nil {
		return err
	}
	return out.send(doneEvent{"done", c.text.String(), c.rounds, time.Since(started).Milliseconds(), finish})
}

// run asks until the model answers without calling a tool. When the rounds are
// used up it asks a last time for an answer in words: what the tools found is
// worth more to the user than an error.
func (c *conversation) run(ctx context.Context) (finish string, err error) {
	budget := c.config.Limits.ToolRounds
	for used := 0; ; used++ {
		exhausted := used >= budget
		reply, err := c.ask(ctx, exhausted)
		if err != nil {
			return "", err
		}
		if reply.Finish == providers.Filtered {
			return "", failure(string(providers.Refused), "the provider's content filter stopped the answer")
		}
		offered := budget > 0 && len(c.tools) > 0
		if len(reply.Calls) == 0 || exhausted || !offered {
			return c.finish(reply, exhausted && offered)
		}
		if err := c.runTools(ctx, reply.Calls); err != nil {
			return "", err
		}
	}
}

func (c *conversation) finish(reply providers.Reply, exhausted bool) (string, error) {
	if len(reply.Calls) > 0 && c.text.Len() == 0 {
		return "", failure(codeToolRounds, fmt.Sprintf(
			"the model went on calling tools after the %d rounds that the agent allows, and gave no answer", c.config.Limits.ToolRounds))
	}
	if exhausted {
		return "tool_rounds", nil
	}
	return string(reply.Finish), nil
}

func (c *conversation) ask(ctx context.Context, noCalls bool) (providers.Reply, error) {
	request := providers.Request{
		System:      c.config.SystemPrompt,
		Messages:    c.messages,
		NoCalls:     noCalls,
		Temperature: c.config.Sampling.Temperature,
		MaxTokens:   c.config.Sampling.MaxTokens,
	}
	if c.config.Limits.ToolRounds > 0 {
		for _, t := range c.tools {
			request.Functions = append(request.Functions, providers.Function{Name: t.Name, Description: t.Description, Schema: t.Schema})
		}
	}
	c.rounds++
	before := c.text.Len()
	reply, err := c.provider.Stream(ctx, request, c.say)
	c.usage.Input += reply.Usage.Input
	c.usage.Output += reply.Usage.Output
	if err != nil {
		return reply, err
	}
	for i := range reply.Calls {
		c.complete(&reply.Calls[i], i)
	}
	said := strings.TrimSpace(c.text.String()[before:])
	c.messages = append(c.messages, providers.Message{Role: providers.Assistant, Text: said, Calls: reply.Calls})
	c.parted = c.text.Len() > 0
	return reply, nil
}

func (c *conversation) say(text string) error {
	if c.parted {
		c.parted = false
		text = "\n\n" + strings.TrimLeft(text, "\n")
	}
	c.text.WriteString(text)
	return c.out.send(tokenEvent{"token", text})
}

// complete gives a call the id that some servers leave out, and the object
// that stands for "no arguments".
func (c *conversation) complete(call *providers.Call, index int) {
	if call.ID == "" {
		call.ID = fmt.Sprintf("call_%d_%d", c.rounds, index+1)
	}
	if strings.TrimSpace(call.Arguments) == "" {
		call.Arguments = "{}"
	}
}

func (c *conversation) runTools(ctx context.Context, calls []providers.Call) error {
	for _, call := range calls {
		arguments, valid := jsonObject(call.Arguments)
		if err := c.out.send(callEvent{"tool_call", call.ID, call.Name, arguments}); err != nil {
			return err
		}
		started := time.Now()
		result, failed := "the arguments were not a JSON object; call again with one that fits the schema", true
		if valid {
			result, failed = c.runTool(ctx, call.Name, arguments)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		event := resultEvent{"tool_result", call.ID, call.Name, result, failed, time.Since(started).Milliseconds()}
		if err := c.out.send(event); err != nil {
			return err
		}
		c.messages = append(c.messages, providers.Message{Role: providers.Tool, Text: result, CallID: call.ID, Failed: failed})
	}
	return nil
}

const maxArguments = 64 << 10

func jsonObject(text string) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if len(text) > maxArguments || json.Unmarshal([]byte(text), &object) != nil || object == nil {
		return json.RawMessage("{}"), false
	}
	return json.RawMessage(text), true
}
