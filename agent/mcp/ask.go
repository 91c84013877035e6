package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/hops"
	"agent.local/a0000000000000000/mcpspec"
	"agent.local/a0000000000000000/protocol"
)

// askTool is the only tool.
const askTool = "ask"

// tool describes the agent as a tool.
func (s *Server) tool() map[string]any {
	description := fmt.Sprintf("Ask %s, an agent, and return its answer. It remembers nothing of earlier calls unless history has them.", s.manifest.Name)
	if s.manifest.Description != "" {
		description = fmt.Sprintf("Ask %s: %s\n%s", s.manifest.Name, s.manifest.Description, "It remembers nothing of earlier calls unless history has them.")
	}
	message := map[string]any{
		"type": "object", "required": []string{"role", "content"}, "additionalProperties": false,
		"properties": map[string]any{
			"role":    map[string]any{"type": "string", "enum": []string{"user", "assistant"}},
			"content": map[string]string{"type": "string"},
		},
	}
	return map[string]any{
		"name": askTool, "title": "Ask " + s.manifest.Name, "description": description,
		"inputSchema": map[string]any{
			"type": "object", "required": []string{"message"}, "additionalProperties": false,
			"properties": map[string]any{
				"message": map[string]any{"type": "string", "minLength": 1, "description": "The question or task, with everything that the agent needs to know."},
				"history": map[string]any{"type": "array", "description": "Earlier messages of this conversation, oldest first.", "items": message},
			},
		},
		"annotations": map[string]any{"title": "Ask " + s.manifest.Name},
	}
}

// question returns the messages in the arguments of a call. Its error is for the model.
func question(arguments json.RawMessage) ([]protocol.Message, error) {
	var asked struct {
		Message string `json:"message"`
		History []struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		} `json:"history"`
	}
	decoder := json.NewDecoder(bytes.NewReader(arguments))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return nil, fmt.Errorf("the arguments do not fit the tool's schema: %w; it takes text only, for MCP hands no images to tools", err)
	}
	if strings.TrimSpace(asked.Message) == "" {
		return nil, fmt.Errorf("the argument message is missing or empty")
	}
	messages := make([]protocol.Message, 0, len(asked.History)+1)
	for i, m := range asked.History {
		if m.Role != "user" && m.Role != "assistant" {
			return nil, fmt.Errorf("the role of history[%d] is %q; use user or assistant", i, m.Role)
		}
		messages = append(messages, protocol.Message{Role: m.Role, Content: m.Content})
	}
	return append(messages, protocol.Message{Role: "user", Content: asked.Message}), nil
}

// call asks the agent. A failure of the agent is a result too, for the model to read.
func (s *Server) call(ctx context.Context, r request, from peer) (map[string]any, *failure) {
	if r.Params.Name != askTool {
		return nil, &failure{Code: mcpspec.CodeInvalidParams, Message: fmt.Sprintf("there is no tool %q; the only one is %s", r.Params.Name, askTool)}
	}
	messages, err := question(r.Params.Arguments)
	if err != nil {
		return toolResult(true, err.Error()), nil
	}
	asked := protocol.Request{Messages: messages}
	if s.manifest.Knows("hops") {
		asked.Hops = hops.In(r.Params.Meta)
	}
	if s.canAsk(r, from) {
		asked.Approval = r.approval()
	}
	progress := r.progress(from)
	for {
		done, questions, err := s.ask(ctx, asked, progress)
		switch {
		case err != nil:
			return toolResult(true, fmt.Sprintf("%s (%s)", err.Error(), done.Code)), nil
		case done.Finish != protocol.FinishApproval:
			return answered(done), nil
		case r.isModern():
			return inputRequired(questions, done.State), nil
		}
		asked.Approval = &protocol.Approval{Ask: true, State: done.State, Answers: askEach(ctx, from, questions)}
	}
}

// ask returns the agent's closing event, and the calls that wait for a person.
func (s *Server) ask(ctx context.Context, asked protocol.Request, progress func(protocol.Event) error) (protocol.Event, []protocol.Event, error) {
	var questions []protocol.Event
	done, err := protocol.Handle(ctx, s.agent, asked.Encode(), func(e protocol.Event, _ []byte) error {
		if e.Type == "approval" {
			questions = append(questions, e)
		}
		return progress(e)
	})
	return done, questions, err
}

// progress returns what reports the pieces of an answer to a client that wants to hear of
// them.
func (r request) progress(from peer) func(protocol.Event) error {
	token, count := r.progressToken(), 0
	return func(e protocol.Event) error {
		if token == nil || e.Type != "token" && e.Type != "tool_call" {
			return nil
		}
		count++
		text := e.Text
		if e.Type == "tool_call" {
			text = "[" + e.Name + "]"
		}
		return from.notify("notifications/progress", map[string]any{"progressToken": token, "progress": count, "message": text})
	}
}

func answered(done protocol.Event) map[string]any {
	texts := []string{done.Text}
	if done.Finish == "length" || done.Finish == "other" {
		texts = append(texts, "[The answer is incomplete.]")
	}
	return toolResult(false, texts...)
}

func toolResult(failed bool, texts ...string) map[string]any {
	content := []any{}
	for _, text := range texts {
		content = append(content, map[string]string{"type": "text", "text": text})
	}
	return map[string]any{"content": content, "isError": failed}
}
