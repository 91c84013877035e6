package conversation_test

import (
	"context"
	"fmt"
	"os"

	"agent.local/a0000000000000000/conversation"
)

func ExampleNew() {
	blueprint, err := os.ReadFile("../agent.json")
	if err != nil {
		panic(err)
	}
	noEnvironment := func(string) string { return "" }
	agent := conversation.New(blueprint, noEnvironment)
	err = agent.Handle(context.Background(), []byte(`{"messages":[{"role":"user","content":"hi"}]}`), func(event []byte) error {
		fmt.Printf("%s\n", event)
		return nil
	})
	fmt.Println(err)
	// Output:
	// {"type":"error","code":"no_key","message":"set OPENAI_API_KEY to the provider's key in the agent's environment and restart the agent"}
	// set OPENAI_API_KEY to the provider's key in the agent's environment and restart the agent
}
