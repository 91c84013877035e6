package mcpclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"agent.local/a0000000000000000/outbound"
)

// conformanceEnv is set by the conformance suite of the protocol, which runs this program
// as the client of a server at the address in its last argument.
const conformanceEnv = "MCP_CONFORMANCE_SCENARIO"

func TestMain(m *testing.M) {
	if os.Getenv(conformanceEnv) == "" {
		os.Exit(m.Run())
	}
	if err := callAll(context.Background(), os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// plannedCall is a call that the suite wants.
type plannedCall struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// callAll chooses all tools of a server, as an agent has them, and calls them: as the suite
// says, or each once with arguments that fit its schema.
func callAll(ctx context.Context, address string) error {
	getenv := func(name string) string {
		return map[string]string{outbound.PrivateHostsEnv: "localhost,127.0.0.1"}[name]
	}
	described := HTTPServer{Name: "suite", URL: address, Protocol: os.Getenv("MCP_CONFORMANCE_PROTOCOL_VERSION")}
	server, err := described.Connect(getenv)
	if err != nil {
		return err
	}
	listed, err := server.Client.list(ctx)
	if err != nil {
		return err
	}
	var suite struct {
		Calls []plannedCall `json:"toolCalls"`
	}
	_ = json.Unmarshal([]byte(os.Getenv("MCP_CONFORMANCE_CONTEXT")), &suite)
	if suite.Calls == nil {
		for name, tool := range listed {
			suite.Calls = append(suite.Calls, plannedCall{name, fitting(tool.InputSchema, listed)})
		}
	}
	var failed []error
	for i, call := range suite.Calls {
		tool := listed[call.Name]
		server.Tools = []Pinned{{Name: tool.Name, Function: fmt.Sprintf("call_%d", i), Description: tool.Description, Schema: tool.InputSchema}}
		functions, err := server.Functions("mcp")
		if err != nil {
			failed = append(failed, err)
			continue
		}
		text, err := functions[0].Run(ctx, call.Arguments)
		fmt.Println(call.Name, text, err)
	}
	return errors.Join(failed...)
}

// fitting returns arguments for a schema: a value of its type for each property, and for one
// that is called schema that of another tool.
func fitting(schema json.RawMessage, tools map[string]Remote) json.RawMessage {
	var described struct {
		Properties map[string]struct {
			Type any `json:"type"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(schema, &described)
	arguments := map[string]any{}
	for name, property := range described.Properties {
		switch property.Type {
		case "number", "integer":
			arguments[name] = 3
		case "string":
			arguments[name] = "x"
		case "boolean":
			arguments[name] = true
		}
		if name == "schema" {
			for _, other := range tools {
				if string(other.InputSchema) != string(schema) {
					arguments[name] = other.InputSchema
				}
			}
		}
	}
	encoded, _ := json.Marshal(arguments)
	return encoded
}
