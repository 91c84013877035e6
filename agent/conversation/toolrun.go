package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

const maxResult = 32 << 10

// runTool answers a call. Whatever goes wrong is told to the model, which can
// correct itself; only the end of ctx ends the conversation.
func (c *conversation) runTool(ctx context.Context, name string, arguments json.RawMessage) (result string, failed bool) {
	defer func() {
		if fault := recover(); fault != nil {
			result, failed = fmt.Sprintf("the tool failed: %v", fault), true
		}
	}()
	var names []string
	for _, tool := range c.tools {
		if tool.Name == name {
			result, err := tool.Run(ctx, arguments)
			if err != nil {
				return shortened(err.Error()), true
			}
			return shortened(result), false
		}
		names = append(names, tool.Name)
	}
	return fmt.Sprintf("there is no tool called %q; there is: %s", name, strings.Join(names, ", ")), true
}

func shortened(text string) string {
	if len(text) <= maxResult {
		return text
	}
	return strings.ToValidUTF8(text[:maxResult], "") + " … (cut)"
}
