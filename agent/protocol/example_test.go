package protocol_test

import (
	"context"
	"fmt"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

func ExampleHandle() {
	agent := &agenttest.Agent{}
	request := protocol.EncodeRequest([]protocol.Message{{Role: "user", Content: "hi there"}})
	done, err := protocol.Handle(context.Background(), agent, request, func(e protocol.Event, _ []byte) error {
		fmt.Printf("%s %q\n", e.Type, e.Text)
		return nil
	})
	fmt.Println(done.Finish, err)
	// Output:
	// token "hi "
	// token "there"
	// usage ""
	// done "hi there"
	// stop <nil>
}

func ExampleReadManifest() {
	manifest, err := protocol.ReadManifest(&agenttest.Agent{})
	fmt.Println(manifest.Handle, manifest.Limits.MemoryMB, err)
	// Output: sample 512 <nil>
}
