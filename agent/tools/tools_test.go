package tools

import (
	"context"
	"encoding/json"
	"testing"
)

func sample(name string) Tool {
	return Tool{Name: name, Schema: json.RawMessage(`{}`), Run: func(context.Context, json.RawMessage) (string, error) { return "", nil }}
}

func init() {
	for _, name := range []string{"one", "two", "taken"} {
		Register(sample(name))
	}
}

func TestSelectKeepsTheOrder(t *testing.T) {
	t.Parallel()
	selected, err := Select([]string{"two", "one"})
	if err != nil || selected[0].Name != "two" || selected[1].Name != "one" {
		t.Fatalf("got %v, %v", selected, err)
	}
	if _, err := Select([]string{"one", "three"}); err == nil {
		t.Error("an unknown tool was selected")
	}
}

func TestRegisterRefusesMistakes(t *testing.T) {
	t.Parallel()
	badSchema := sample("bad")
	badSchema.Schema = json.RawMessage(`{`)
	for _, tool := range []Tool{sample("taken"), sample(""), badSchema, {Name: "no run", Schema: json.RawMessage(`{}`)}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was registered", tool.Name)
				}
			}()
			Register(tool)
		}()
	}
}
