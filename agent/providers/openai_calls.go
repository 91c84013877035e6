package providers

import (
	"encoding/json"
	"slices"
	"strings"
)

// chatCallDelta is a fragment of a call.
type chatCallDelta struct {
	Index    optional[count]             `json:"index"`
	ID       rawText                     `json:"id"`
	Function optional[chatFunctionDelta] `json:"function"`
	Extra    json.RawMessage             `json:"extra_content"`
	// Some servers leave the function's own object out.
	chatFunctionDelta
}

type chatFunctionDelta struct {
	Name      rawText         `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// chatCallParts is a call that is being assembled.
type chatCallParts struct {
	index     int
	id, name  string
	arguments strings.Builder
	// last is the latest fragment of the arguments.
	last  string
	extra json.RawMessage
}

// chatCalls assembles calls. No field identifies a call everywhere: some servers give
// all calls one index or one id, others each fragment a new id, others none at all.
type chatCalls []*chatCallParts

// addAll adds the fragments of one event, in which each with a name is another call.
func (c *chatCalls) addAll(parts []chatCallDelta) {
	var begun []*chatCallParts
	for _, part := range parts {
		if part.Function.set {
			part.chatFunctionDelta = part.Function.value
		}
		if call := c.add(part, begun); call != nil && part.Name != "" {
			begun = append(begun, call)
		}
	}
}

// add adds a fragment to the call that it continues, or to a new one, and returns
// that; it continues none of begun if it has a name.
func (c *chatCalls) add(part chatCallDelta, begun []*chatCallParts) *chatCallParts {
	arguments := argumentText(part.Arguments)
	call := c.find(part)
	if call != nil && (call.isOther(part, arguments) || part.Name != "" && slices.Contains(begun, call)) {
		call = nil
	}
	if call == nil {
		if len(*c) >= maxCalls {
			return nil
		}
		call = &chatCallParts{index: -1}
		if part.Index.set {
			call.index = int(part.Index.value)
		}
		*c = append(*c, call)
	}
	call.extend(part, arguments)
	return call
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
	nameless := part.Name == ""
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
	if part.Name == "" || p.name == "" {
		return false
	}
	if part.ID != "" && p.id != "" && string(part.ID) != p.id {
		return true
	}
	if isObject(p.arguments.String()) {
		return arguments != "" && arguments != p.arguments.String() || string(part.Name) != p.name
	}
	return p.arguments.Len() > 0 && string(part.Name) != p.name
}

// extend adds a fragment. Some servers repeat the name or the whole call.
func (p *chatCallParts) extend(part chatCallDelta, arguments string) {
	if p.id == "" {
		p.id = string(part.ID)
	}
	switch name := string(part.Name); {
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
	if strings.TrimSpace(arguments) != "" {
		p.last = arguments
	}
}

// result returns the assembled calls without what is none, in the order of their
// indexes.
func (c chatCalls) result() []Call {
	var calls []Call
	if !slices.ContainsFunc(c, func(part *chatCallParts) bool { return part.index < 0 }) {
		slices.SortStableFunc(c, func(a, b *chatCallParts) int { return a.index - b.index })
	}
	for _, part := range c {
		arguments := part.arguments.String()
		if part.name == "" && strings.TrimSpace(arguments) == "" {
			continue
		}
		calls = append(calls, Call{
			ID: part.id, Name: strings.TrimSpace(part.name), Arguments: wholeArguments(arguments, part.last), Extra: part.extra,
		})
	}
	return calls
}
