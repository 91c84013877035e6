package cli

import (
	"context"
	"encoding/json"
	"os"
	"os/signal"

	"agent.local/a0000000000000000/protocol"
)

// result is what --json prints. Error is set if there is no answer.
type result struct {
	Text   string       `json:"text"`
	Finish string       `json:"finish,omitempty"`
	Tools  []toolResult `json:"tools"`
	Usage  *usage       `json:"usage"`
	// Fallback is who answered in place of the provider, and why.
	Fallback *fallback    `json:"fallback,omitempty"`
	Error    *resultError `json:"error"`
}

type toolResult struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Result    string          `json:"result"`
	Error     bool            `json:"error"`
}

type usage struct {
	Input  int `json:"input_tokens"`
	Output int `json:"output_tokens"`
}

type fallback struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Reason   string `json:"reason"`
}

type resultError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// answerAsJSON asks the agent once and prints the result as one JSON object. It returns
// an exitCode that says what happened.
func answerAsJSON(ctx context.Context, agent protocol.Agent, request []byte, std stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	answer := result{Tools: []toolResult{}}
	last, err := protocol.Handle(ctx, agent, request, func(e protocol.Event, _ []byte) error {
		answer.add(e)
		return nil
	})
	if err != nil {
		answer.Error = &resultError{last.Code, last.Message}
	} else {
		answer.Text, answer.Finish = last.Text, last.Finish
	}
	encoder := json.NewEncoder(std.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		return err
	}
	if code := answer.exit(); code != exitOK {
		return code
	}
	return nil
}

func (r *result) add(e protocol.Event) {
	switch e.Type {
	case "token":
		r.Text += e.Text
	case "tool_call":
		r.Tools = append(r.Tools, toolResult{Name: e.Name, Arguments: e.Arguments})
	case "tool_result":
		if last := len(r.Tools) - 1; last >= 0 {
			r.Tools[last].Result, r.Tools[last].Error = e.Result, e.Error
		}
	case "fallback":
		r.Fallback = &fallback{e.Provider, e.Model, e.Reason}
	case "usage":
		r.Usage = &usage{e.Input, e.Output}
	}
}

// exit returns the exit code, which --help explains.
func (r *result) exit() exitCode {
	switch {
	case r.Error == nil && (r.Finish == "length" || r.Finish == "other" || r.Finish == "tool_rounds"):
		return exitIncomplete
	case r.Error == nil:
		return exitOK
	}
	switch r.Error.Code {
	case "rate_limited", "provider_unreachable", "time_limit", "busy":
		return exitRetry
	case "cancelled":
		return exitCancelled
	}
	return exitFault
}
