package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"agent.local/a0000000000000000/budget"
	"agent.local/a0000000000000000/permissions"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/tools"
)

// turn is the state of one answer.
type turn struct {
	*Agent
	out   *output
	asked request
	// tools are the agent's, and the one that reads on in results.
	tools    []tools.Tool
	results  results
	seen     window
	messages []providers.Message
	text     strings.Builder
	usage    providers.Usage
	rounds   int
	// used counts the rounds of tool calls.
	used  int
	trust trust
	// given is the number of messages that came with the request.
	given   int
	pending []pendingCall
	// before is what the conversation used before, spent what this answer did.
	before, spent budget.Amount
	// replaced is set once the fallback answers; own is what the provider counted before.
	replaced bool
	own      providers.Usage
	// ids are those of the calls so far.
	ids map[string]bool
	// newParagraph is set after a round with text: the next text starts a new
	// paragraph.
	newParagraph bool
}

func (a *Agent) converse(ctx context.Context, asked request, out *output) error {
	started := time.Now()
	t := &turn{Agent: a, out: out, asked: asked, tools: a.tools, ids: map[string]bool{}}
	t.messages = recall(asked.messages, a.config.Capabilities.Memory)
	t.given = len(t.messages)
	done, err := t.start(ctx)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	if err == nil && done.Finish != finishApproval {
		if sendErr := t.review(); sendErr != nil {
			return sendErr
		}
	}
	t.setEnd(ctx, done)
	t.keepCount(err == nil && done.Finish != finishApproval)
	// The provider also bills the tokens of a failed answer.
	if err == nil || t.usage != (providers.Usage{}) {
		if sendErr := out.send(t.usageEvent()); sendErr != nil {
			return sendErr
		}
	}
	if err != nil {
		return err
	}
	if done.Finish != finishApproval {
		t.settle(&done)
	}
	done.Type, done.Text, done.Rounds, done.MS = "done", t.text.String(), t.rounds, time.Since(started).Milliseconds()
	return out.send(done)
}

// run asks until the model answers without calling a tool. After the last allowed
// round it asks once more for an answer without tools: what they returned so far
// is worth more to the user than an error.
func (t *turn) run(ctx context.Context) (doneEvent, error) {
	budget := t.config.Limits.ToolRounds
	for ; ; t.used++ {
		exhausted := t.used >= budget
		reply, err := t.ask(ctx, exhausted)
		if err != nil {
			return doneEvent{}, err
		}
		if reply.Finish == providers.Filtered {
			return doneEvent{}, failure(string(providers.Refused), "the provider's content filter stopped the answer")
		}
		offered := budget > 0 && len(t.tools) > 0
		if len(reply.Calls) == 0 || exhausted || !offered {
			if t.asked.format != nil {
				return t.finishFormatted(ctx, reply)
			}
			return t.finish(reply, exhausted && offered)
		}
		if err := t.runTools(ctx, reply.Calls); err != nil {
			return doneEvent{}, err
		}
		if len(t.pending) > 0 {
			return t.suspend(ctx)
		}
	}
}

func (t *turn) ask(ctx context.Context, noCalls bool) (providers.Reply, error) {
	request := providers.Request{
		System:      t.system(),
		NoCalls:     noCalls,
		Temperature: t.config.Sampling.Temperature,
		MaxTokens:   t.maxTokens(),
		Format:      t.asked.format.forProvider(),
	}
	if t.config.Limits.ToolRounds > 0 {
		for _, tool := range t.tools {
			request.Functions = append(request.Functions, providers.Function{Name: tool.Name, Description: tool.Description, Schema: tool.Schema})
		}
	}
	if err := t.fit(ctx, request); err != nil {
		return providers.Reply{}, err
	}
	request.Messages = t.view()
	reserved, err := t.reserve(&request)
	if err != nil {
		return providers.Reply{}, err
	}
	t.rounds++
	before := t.text.Len()
	reply, err := t.stream(ctx, request)
	t.calibrate(request, reply.Usage.Input)
	t.account(reserved, request, reply, t.text.Len()-before)
	t.usage.Input += reply.Usage.Input
	t.usage.Output += reply.Usage.Output
	if err != nil {
		return reply, err
	}
	for i := range reply.Calls {
		t.complete(&reply.Calls[i], i)
	}
	if t.dropReasoning(before) {
		reply.Reasoned = true
	}
	text := strings.TrimSpace(t.text.String()[before:])
	t.messages = append(t.messages, providers.Message{Role: providers.Assistant, Text: text, Calls: reply.Calls, Reasoning: reasoningOf(reply)})
	t.newParagraph = t.text.Len() > 0
	return reply, nil
}

// dropReasoning removes reasoning from the text after before, and reports whether
// there was any. It was streamed, but the closing event has the text without it.
func (t *turn) dropReasoning(before int) bool {
	text := t.text.String()
	answer, found := providers.AfterReasoning(text[before:])
	if !found {
		return false
	}
	t.text.Reset()
	t.text.WriteString(text[:before])
	if before > 0 && answer != "" {
		t.text.WriteString("\n\n")
	}
	t.text.WriteString(answer)
	return true
}

// reasoningOf returns what the provider expects back: reasoning that led to calls.
func reasoningOf(reply providers.Reply) json.RawMessage {
	if len(reply.Calls) == 0 {
		return nil
	}
	return reply.Reasoning
}

func (t *turn) emitText(text string) error {
	if t.newParagraph {
		t.newParagraph = false
		text = "\n\n" + strings.TrimLeft(text, "\n")
	}
	t.text.WriteString(text)
	if t.asked.format != nil {
		// The answer is sent when it was checked.
		return nil
	}
	return t.out.send(tokenEvent{"token", text})
}

// complete adds what some servers omit: an id for the call that no other call of the
// answer has, and the empty object for no arguments. The name becomes that of a tool.
func (t *turn) complete(call *providers.Call, index int) {
	call.Name = t.toolName(call.Name)
	for n := index + 1; call.ID == "" || t.ids[call.ID]; n++ {
		call.ID = callID(t.rounds, n)
	}
	t.ids[call.ID] = true
	if strings.TrimSpace(call.Arguments) == "" {
		call.Arguments = "{}"
	}
}

// callID returns an id in the only form that Mistral accepts: nine letters and digits.
func callID(round, number int) string { return fmt.Sprintf("call%02d%03d", round, number) }

// runTools runs the calls that need no person, and keeps the others pending.
func (t *turn) runTools(ctx context.Context, calls []providers.Call) error {
	for _, call := range calls {
		p := t.prepare(call)
		if err := t.out.send(callEvent{"tool_call", call.ID, call.Name, p.arguments}); err != nil {
			return err
		}
		permission, reason := permissions.Allow, ""
		if p.fault == "" {
			permission, reason = t.judge(p)
		}
		if permission == permissions.Ask && t.canAsk(ctx) {
			if err := t.pend(p, reason); err != nil {
				return err
			}
			continue
		}
		if err := t.answerCall(ctx, p, refusal(permission, reason)); err != nil {
			return err
		}
	}
	return nil
}

// answerCall reports the result of a call: of running it, or the words that refuse it.
func (t *turn) answerCall(ctx context.Context, p preparedCall, refused string) error {
	started := time.Now()
	result, failed := outcome{text: p.fault}, true
	switch {
	case refused != "":
		result = outcome{text: refused}
	case p.fault == "":
		result, failed = t.runTool(ctx, p)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	event := resultEvent{"tool_result", p.call.ID, p.call.Name, result.text, failed, time.Since(started).Milliseconds()}
	if err := t.out.send(event); err != nil {
		return err
	}
	if result.disabled != "" {
		if err := t.out.send(disabledEvent{"tool_disabled", p.call.Name, result.disabled}); err != nil {
			return err
		}
	}
	t.messages = append(t.messages, providers.Message{Role: providers.Tool, Text: result.forModel(), CallID: p.call.ID, Failed: failed})
	return nil
}
