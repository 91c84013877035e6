package mcp

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

// An agent that knows of hops is told them.
func TestHops(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{`"hops"`: true, ``: false} {
		agent := &agenttest.Agent{ManifestJSON: `{"schema":1,"name":"x","handle":"x","request_fields":[` + fields + `]}`}
		manifest, err := protocol.ReadManifest(agent)
		if err != nil {
			t.Fatal(err)
		}
		var asked request
		_ = json.Unmarshal([]byte(`{"params":{"name":"ask","arguments":{"message":"hi"},"_meta":{"agentforge/hops":3}}}`), &asked)
		if _, failed := New(agent, manifest, Options{}).call(context.Background(), asked, peer{}); failed != nil {
			t.Fatal(failed)
		}
		if got := agent.Requests()[0]; strings.Contains(got, `"hops":3`) != want {
			t.Errorf("%s: %s", fields, got)
		}
	}
}
