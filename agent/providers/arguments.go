package providers

import (
	"encoding/json"
	"regexp"
	"strings"
)

// The most calls in one round, and the most bytes of one's arguments; the rest is
// dropped.
const (
	maxCalls         = 32
	maxCallArguments = 256 << 10
)

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

var codeFence = regexp.MustCompile("(?s)^\\s*```[a-z]*\\s*(.*?)\\s*```\\s*$")

// wholeArguments returns the object in arguments that are none: one after an empty
// placeholder, in a fence, encoded twice, or repeated as a whole in the last fragment.
func wholeArguments(arguments, last string) string {
	if isObject(arguments) {
		return arguments
	}
	candidates := []string{strings.TrimPrefix(arguments, "{}"), codeFence.ReplaceAllString(arguments, "$1"), last}
	if json.Valid([]byte(arguments)) {
		candidates = append(candidates, argumentText(json.RawMessage(strings.TrimSpace(arguments))))
	}
	for _, candidate := range candidates {
		if isObject(candidate) {
			return candidate
		}
	}
	return arguments
}

func isObject(text string) bool {
	trimmed := strings.TrimSpace(text)
	return strings.HasPrefix(trimmed, "{") && strings.HasSuffix(trimmed, "}") && json.Valid([]byte(text))
}

// objectText returns arguments if they are a JSON object, else an empty object:
// servers refuse a history with anything else.
func objectText(arguments string) string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(arguments), &object) != nil || object == nil {
		return "{}"
	}
	return arguments
}
