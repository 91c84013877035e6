package tools_test

import (
	"context"
	"encoding/json"
	"fmt"

	"agent.local/a0000000000000000/tools"
)

func init() {
	tools.Register(tools.Tool{
		Name:        "dice",
		Description: "Roll a die.",
		Schema:      json.RawMessage(`{"type":"object"}`),
		Run:         func(context.Context, json.RawMessage) (string, error) { return "4", nil },
	})
}

// A tool registers itself in its package's init function.
func ExampleSelect() {
	selected, err := tools.Select([]string{"dice"})
	if err != nil {
		panic(err)
	}
	result, err := selected[0].Run(context.Background(), json.RawMessage(`{}`))
	fmt.Println(result, err)
	_, err = tools.Select([]string{"coin"})
	fmt.Println(err)
	// Output:
	// 4 <nil>
	// the tool "coin" is not compiled into this agent
}
