package outbound_test

import (
	"fmt"

	"agent.local/a0000000000000000/outbound"
)

func ExampleClient_Check() {
	client, err := outbound.New([]string{"example.org"}, func(string) string { return "" })
	if err != nil {
		panic(err)
	}
	_, err = client.Check("https://evil.example/?q=secret")
	fmt.Println(err)
	// Output: evil.example is not one of the hosts that this agent may reach: example.org
}
