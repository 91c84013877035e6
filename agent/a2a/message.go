package a2a

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// version is one of the protocol.
type version string

const (
	v1  version = "1.0"
	v03 version = "0.3"
)

// versionOf returns the version of a request; without one it is 0.3.
func versionOf(r *http.Request) (version, *failure) {
	text := r.Header.Get("A2A-Version")
	if text == "" {
		text = r.URL.Query().Get("A2A-Version")
	}
	switch text {
	case "1.0":
		return v1, nil
	case "0.3", "":
		return v03, nil
	}
	return v1, a2aFailure(-32009, "VERSION_NOT_SUPPORTED", "this agent speaks versions 1.0 and 0.3, not "+text)
}

// failure is an error of JSON-RPC or of the protocol.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    []any  `json:"data,omitempty"`
}

func a2aFailure(code int, reason, message string) *failure {
	return &failure{code, message, []any{map[string]any{
		"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "a2a-protocol.org", "metadata": map[string]string{},
	}}}
}

func invalidParams(field, message string) *failure {
	return &failure{-32602, field + ": " + message, []any{map[string]any{
		"@type":           "type.googleapis.com/google.rpc.BadRequest",
		"fieldViolations": []any{map[string]string{"field": field, "description": message}},
	}}}
}

var (
	errNoTask         = a2aFailure(-32001, "TASK_NOT_FOUND", "there is no such task; tasks are kept for a while only")
	errNotCancelable  = a2aFailure(-32002, "TASK_NOT_CANCELABLE", "the task has ended")
	errNoPush         = a2aFailure(-32003, "PUSH_NOTIFICATION_NOT_SUPPORTED", "this agent sends no push notifications; subscribe to the task, or ask for it")
	errEnded          = a2aFailure(-32004, "UNSUPPORTED_OPERATION", "the task has ended; send a message without a task id to go on")
	errBusyTask       = a2aFailure(-32004, "UNSUPPORTED_OPERATION", "the task is being worked on; wait for it, or cancel it")
	errNotListed      = a2aFailure(-32004, "UNSUPPORTED_OPERATION", "this server lists only the tasks of a context: give its contextId")
	errNoText         = a2aFailure(-32005, "CONTENT_TYPE_NOT_SUPPORTED", "this agent reads and writes text: use parts with text or data, images as bytes if its card lists them, and accept text/plain")
	errNoExtendedCard = a2aFailure(-32007, "EXTENDED_AGENT_CARD_NOT_CONFIGURED", "the agent card is complete; there is no extended one")
)

func unknownMethod(asked request) *failure {
	message := "version " + string(asked.version) + " has no method " + asked.Method
	if _, known := methods[v1][asked.Method]; known {
		message += "; send the header A2A-Version: 1.0"
	}
	return &failure{Code: -32601, Message: message}
}

type request struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  params          `json:"params"`

	version version
}

// params are those of all methods, in both versions.
type params struct {
	Message       incoming `json:"message"`
	Configuration struct {
		AcceptedOutputModes []string        `json:"acceptedOutputModes"`
		HistoryLength       *int            `json:"historyLength"`
		ReturnImmediately   bool            `json:"returnImmediately"`
		Blocking            *bool           `json:"blocking"`
		Push                json.RawMessage `json:"taskPushNotificationConfig"`
		OldPush             json.RawMessage `json:"pushNotificationConfig"`
	} `json:"configuration"`
	ID               string `json:"id"`
	HistoryLength    *int   `json:"historyLength"`
	ContextID        string `json:"contextId"`
	Status           string `json:"status"`
	PageSize         *int   `json:"pageSize"`
	PageToken        string `json:"pageToken"`
	IncludeArtifacts bool   `json:"includeArtifacts"`
}

// incoming is a message of a client.
type incoming struct {
	MessageID string `json:"messageId"`
	Role      string `json:"role"`
	ContextID string `json:"contextId"`
	TaskID    string `json:"taskId"`
	// Metadata has, from agents like this one, through how many agents a question has gone.
	Metadata map[string]json.RawMessage `json:"metadata"`
	Parts    []part                     `json:"parts"`
}

func parse(body []byte) (request, *failure) {
	var asked request
	if !json.Valid(body) {
		return asked, &failure{Code: -32700, Message: "the request is not JSON"}
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		code := -32600
		if asked.Method != "" {
			code = -32602
		}
		return asked, &failure{Code: code, Message: "the request does not have the expected form: " + err.Error()}
	}
	if asked.JSONRPC != "2.0" || asked.Method == "" || asked.ID == nil || bytes.IndexByte([]byte(`{[tfn`), asked.ID[0]) >= 0 {
		return asked, &failure{Code: -32600, Message: "the request is not one of JSON-RPC 2.0 with an id"}
	}
	return asked, nil
}

// answer returns the response to the request.
func (r request) answer(result any, failed *failure) map[string]any {
	answer := map[string]any{"jsonrpc": "2.0", "id": nil}
	if r.ID != nil {
		answer["id"] = r.ID
	}
	if failed != nil {
		answer["error"] = failed
	} else {
		answer["result"] = result
	}
	return answer
}

// returnsAtOnce reports whether a client does not want to wait for the task.
func (p params) returnsAtOnce(v version) bool {
	if v == v03 {
		return p.Configuration.Blocking != nil && !*p.Configuration.Blocking
	}
	return p.Configuration.ReturnImmediately
}

// question returns what the message says and shows.
func (p params) question() (question, *failure) {
	m := p.Message
	switch {
	case m.MessageID == "":
		return question{}, invalidParams("message.messageId", "is missing")
	case m.Role != "ROLE_USER" && m.Role != "user":
		return question{}, invalidParams("message.role", "must be the user's")
	case len(m.Parts) == 0:
		return question{}, invalidParams("message.parts", "must not be empty")
	case len(p.Configuration.Push) > 0 && string(p.Configuration.Push) != "null", len(p.Configuration.OldPush) > 0 && string(p.Configuration.OldPush) != "null":
		return question{}, errNoPush
	}
	if modes := p.Configuration.AcceptedOutputModes; len(modes) > 0 && !slices.ContainsFunc(modes, acceptsText) {
		return question{}, errNoText
	}
	return ask(m.Parts)
}

func acceptsText(mode string) bool {
	mode, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(mode)), ";")
	return slices.Contains([]string{"text", "text/plain", "text/*", "*/*", "text/markdown"}, mode)
}
