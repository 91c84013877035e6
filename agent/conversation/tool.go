package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

const (
	maxResult    = 32 << 10
	maxArguments = 64 << 10
	// Readers of the events may not decode deeper JSON.
	maxDepth = 100
)

// jsonObject returns arguments that are a JSON object of reasonable size.
func jsonObject(text string) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if len(text) > maxArguments || json.Unmarshal([]byte(text), &object) != nil || object == nil || depth(text) > maxDepth {
		return json.RawMessage("{}"), false
	}
	return json.RawMessage(text), true
}

// depth returns how deeply valid JSON is nested.
func depth(text string) int {
	deepest, level, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// Some models write the place of a tool before its name, as in functions.clock, and
// the number of the call after it, as in functions.clock:0.
var (
	namePlace  = regexp.MustCompile(`^.*[.:/]`)
	nameNumber = regexp.MustCompile(`:\d+$`)
)

// toolName returns the name of the tool that a model means; another name as it is.
func (t *turn) toolName(name string) string {
	bare := namePlace.ReplaceAllString(nameNumber.ReplaceAllString(name, ""), "")
	for _, wanted := range []string{name, bare} {
		for _, tool := range t.tools {
			if tool.Name == wanted {
				return wanted
			}
		}
	}
	return name
}

// runTool returns the result of a call. Failures are results too, which the model
// can correct; only the end of ctx ends the turn.
func (t *turn) runTool(ctx context.Context, name string, arguments json.RawMessage) (result string, failed bool) {
	defer func() {
		if value := recover(); value != nil {
			result, failed = truncated(fmt.Sprintf("the tool failed: %v", value)), true
		}
	}()
	var names []string
	for _, tool := range t.tools {
		if tool.Name == name {
			result, err := tool.Run(ctx, arguments)
			if err != nil {
				return truncated(err.Error()), true
			}
			return truncated(result), false
		}
		names = append(names, tool.Name)
	}
	return fmt.Sprintf("there is no tool %q; the tools are: %s", name, strings.Join(names, ", ")), true
}

func truncated(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
	if len(text) <= maxResult {
		return text
	}
	return strings.ToValidUTF8(text[:maxResult], "") + " … (cut)"
}
