package agenttest

import (
	"encoding/json"
	"testing"

	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/tools/datadir"
)

// Tool returns a function that calls the functions of a tool, which must be compiled in.
// The settings may be empty, data is the directory of what agents keep. A call returns an
// error as "error: …".
func Tool(t *testing.T, name, settings, data string) func(function, arguments string) string {
	t.Helper()
	given := map[string]json.RawMessage{}
	if settings != "" {
		given[name] = json.RawMessage(settings)
	}
	functions, err := tools.Configured([]string{name}, given, func(variable string) string {
		return map[string]string{datadir.Env: data}[variable]
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(name, arguments string) string {
		t.Helper()
		for _, function := range functions {
			if function.Name == name {
				result, err := function.Run(t.Context(), json.RawMessage(arguments))
				if err != nil {
					return "error: " + err.Error()
				}
				return result
			}
		}
		t.Fatal(name)
		return ""
	}
}
