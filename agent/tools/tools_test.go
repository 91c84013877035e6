package tools

import (
	"context"
	"encoding/json"
	"testing"
)

func sample(name string) Tool {
	return Tool{Name: name, Schema: json.RawMessage(`{}`), Run: func(context.Context, json.RawMessage) (string, error) { return "", nil }}
}

func TestSelectKeepsTheOrder(t *testing.T) {
	Register(sample("one"))
	Register(sample("two"))
	selected, err := Select([]string{"two", "one"})
	if err != nil || selected[0].Name != "two" || selected[1].Name != "one" {
		t.Fatalf("got %v, %v", selected, err)
	}
	if _, err := Select([]string{"one", "three"}); err == nil {
		t.Error("an unknown tool was selected")
	}
}

func TestRegisterRefusesMistakes(t *testing.T) {
	Register(sample("taken"))
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
