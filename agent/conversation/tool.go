package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

const maxResult = 32 << 10

// runTool returns the result of a call. Failures are results too, which the model
// can correct; only the end of ctx ends the turn.
func (t *turn) runTool(ctx context.Context, name string, arguments json.RawMessage) (result string, failed bool) {
	defer func() {
		if value := recover(); value != nil {
			result, failed = fmt.Sprintf("the tool failed: %v", value), true
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
	if len(text) <= maxResult {
		return text
	}
	return strings.ToValidUTF8(text[:maxResult], "") + " … (cut)"
}
