package providers

import (
	"encoding/json"
	"strings"
)

// The most calls in one round, and the most bytes of one's arguments; the rest is
// dropped.
const (
	maxCalls         = 32
	maxCallArguments = 256 << 10
)

// chatCallDelta is a fragment of a call.
type chatCallDelta struct {
	Index    optional[count] `json:"index"`
	ID       rawText         `json:"id"`
	Function struct {
		Name      rawText         `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
	Extra json.RawMessage `json:"extra_content"`
}

// chatCallParts is a call that is being assembled.
type chatCallParts struct {
	index     int
	id, name  string
	arguments strings.Builder
	extra     json.RawMessage
}

// chatCalls assembles calls. No field identifies a call everywhere: some servers give
// all calls one index or one id, others each fragment a new id, others none at all.
type chatCalls []*chatCallParts

func (c *chatCalls) add(part chatCallDelta) {
	arguments := argumentText(part.Function.Arguments)
	call := c.find(part)
	if call != nil && call.isOther(part, arguments) {
		call = nil
	}
	if call == nil {
		if len(*c) >= maxCalls {
			return
		}
		call = &chatCallParts{index: -1}
		if part.Index.set {
			call.index = int(part.Index.value)
		}
		*c = append(*c, call)
	}
	call.extend(part, arguments)
}

// find returns the call that a fragment probably continues: the latest with its
// index, else with its id, else, for a fragment without a name, the latest.
func (c chatCalls) find(part chatCallDelta) *chatCallParts {
	var byIndex, byID *chatCallParts
	for _, call := range c {
		if part.Index.set && call.index == int(part.Index.value) {
			byIndex = call
		}
		if part.ID != "" && call.id == string(part.ID) {
			byID = call
		}
	}
	nameless := part.Function.Name == ""
	switch {
	case byIndex != nil:
		return byIndex
	case byID != nil && (!part.Index.set || nameless):
		return byID
	case len(c) > 0 && (nameless || !part.Index.set && part.ID == ""):
		return c[len(c)-1]
	}
	return nil
}

// isOther reports whether a fragment begins another call than the one that it was
// found by.
func (p *chatCallParts) isOther(part chatCallDelta, arguments string) bool {
	if part.Function.Name == "" || p.name == "" {
		return false
	}
	if part.ID != "" && p.id != "" && string(part.ID) != p.id {
		return true
	}
	if isObject(p.arguments.String()) {
		return arguments != "" && arguments != p.arguments.String() || string(part.Function.Name) != p.name
	}
	return p.arguments.Len() > 0 && string(part.Function.Name) != p.name
}

// extend adds a fragment. Some servers repeat the name or the whole call.
func (p *chatCallParts) extend(part chatCallDelta, arguments string) {
	if p.id == "" {
		p.id = string(part.ID)
	}
	switch name := string(part.Function.Name); {
	case strings.HasPrefix(name, p.name):
		p.name = name
	case name != p.name && p.arguments.Len() == 0:
		p.name += name
	}
	if isSet(part.Extra) {
		p.extra = part.Extra
	}
	whole := p.arguments.String()
	repeated := arguments == whole && isObject(whole)
	if !repeated && len(whole)+len(arguments) <= maxCallArguments {
		p.arguments.WriteString(arguments)
	}
}

// argumentText returns arguments as text: the protocol has a string, some servers
// send an object.
func argumentText(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if raw[0] == '"' {
		return string(unquote(raw))
	}
	return string(raw)
}

// result returns the assembled calls without what is none.
func (c chatCalls) result() []Call {
	var calls []Call
	for _, part := range c {
		arguments := part.arguments.String()
		if part.name == "" && strings.TrimSpace(arguments) == "" {
			continue
		}
		// An empty object that was only a placeholder for what follows.
		if rest := strings.TrimPrefix(arguments, "{}"); isObject(rest) {
			arguments = rest
		}
		calls = append(calls, Call{ID: part.id, Name: part.name, Arguments: arguments, Extra: part.extra})
	}
	return calls
}

func isObject(text string) bool {
	trimmed := strings.TrimSpace(text)
	return strings.HasPrefix(trimmed, "{") && strings.HasSuffix(trimmed, "}") && json.Valid([]byte(text))
}
