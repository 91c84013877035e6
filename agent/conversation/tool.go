package conversation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/untrusted"
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

// preparedCall is a call whose tool and arguments are known; a fault says, in words
// for the model, why it can't run.
type preparedCall struct {
	call      providers.Call
	tool      tools.Tool
	arguments json.RawMessage
	fault     string
}

// prepare finds the tool of a call. The arguments of a guarded tool are encoded anew,
// each name once and as the schema has it: what is judged and shown is what runs.
func (t *turn) prepare(call providers.Call) preparedCall {
	p := preparedCall{call: call}
	var valid bool
	if p.arguments, valid = jsonObject(call.Arguments); !valid {
		p.fault = "the arguments were not a JSON object; call again with one that fits the schema"
		return p
	}
	index := t.toolIndex(call.Name)
	if index < 0 {
		p.fault = fmt.Sprintf("there is no tool %q; the tools are: %s", call.Name, strings.Join(t.toolNames(), ", "))
		return p
	}
	if p.tool = t.tools[index]; p.tool.Unavailable != "" {
		p.fault = p.tool.Unavailable
		return p
	}
	if p.tool.IsGuarded() || len(t.rulesFor(p.tool)) > 0 {
		p.arguments, p.fault = exact(p.tool.Schema, p.arguments)
	}
	return p
}

// toolIndex returns the place of a tool; -1 if the agent does not have it.
func (t *turn) toolIndex(name string) int {
	return slices.IndexFunc(t.tools, func(tool tools.Tool) bool { return tool.Name == name })
}

func (t *turn) toolNames() []string {
	names := make([]string, len(t.tools))
	for i, tool := range t.tools {
		names[i] = tool.Name
	}
	return names
}

// exact returns the arguments with the names of the schema only. Without it, two
// spellings of one name could differ for who judges and what runs.
func exact(schema, arguments json.RawMessage) (json.RawMessage, string) {
	var described struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Further    json.RawMessage            `json:"additionalProperties"`
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(schema, &described)
	if json.Unmarshal(arguments, &fields) != nil {
		return json.RawMessage("{}"), "the arguments were not a JSON object"
	}
	takesAny := len(described.Properties) == 0 && described.Further == nil ||
		described.Further != nil && string(described.Further) != "false"
	for name := range fields {
		if takesAny {
			break
		}
		if _, known := described.Properties[name]; !known {
			known := strings.Join(slices.Sorted(maps.Keys(described.Properties)), ", ")
			return arguments, fmt.Sprintf("there is no argument %q; the arguments are: %s", name, known)
		}
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		return json.RawMessage("{}"), "the arguments were not a JSON object"
	}
	return bytes.TrimSpace(encoded.Bytes()), ""
}

// outcome is the result of a call; source names where untrusted text came from, and
// disabled is why the tool does not run any more.
type outcome struct{ text, source, disabled string }

func (o outcome) forModel() string {
	if o.source == "" {
		return o.text
	}
	return untrusted.Mark(o.source, o.text)
}

// runTool returns the result of a call. Failures are results too, which the model
// can correct; only the end of ctx ends the turn.
func (t *turn) runTool(ctx context.Context, p preparedCall) (result outcome, failed bool) {
	ctx, span := observeTool(ctx, p)
	defer func() { endTool(ctx, span, result, failed) }()
	hosts := hostsOf(p)
	if p.tool.Untrusted {
		result.source = strings.Join(append([]string{p.tool.Name}, hosts...), " ")
	}
	source, isContinued := t.sourceOf(p)
	if isContinued {
		result.source = source
	}
	defer func() {
		if value := recover(); value != nil {
			result.text, failed = truncated(fmt.Sprintf("the tool failed: %v", value)), true
		}
	}()
	t.trust.note(p.tool, hosts)
	text, err := p.tool.Run(ctx, p.arguments)
	if err != nil {
		text, failed = err.Error(), true
	}
	var disabled *tools.DisabledError
	if errors.As(err, &disabled) {
		result.disabled = untrusted.Clean(disabled.Reason)
	}
	result.text = untrusted.Clean(text)
	if isContinued {
		return result, failed
	}
	return t.shown(p.call.ID, result), failed
}
