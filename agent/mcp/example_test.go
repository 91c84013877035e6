package mcp_test

import (
	"context"
	"os"
	"strings"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/mcp"
	"agent.local/a0000000000000000/protocol"
)

func ExampleServer_Serve() {
	agent := &agenttest.Agent{}
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		panic(err)
	}
	request := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"message":"hi"}}}`
	if err := mcp.New(agent, manifest, mcp.Options{}).Serve(context.Background(), strings.NewReader(request), os.Stdout); err != nil {
		panic(err)
	}
	// Output: {"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"hi","type":"text"}],"isError":false}}
}
