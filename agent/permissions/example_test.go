package permissions_test

import (
	"encoding/json"
	"fmt"

	"agent.local/a0000000000000000/permissions"
)

func ExampleDecide() {
	rule, err := permissions.Parse("allow url=https://example.org/*")
	if err != nil {
		panic(err)
	}
	call := permissions.Call{Arguments: map[string]json.RawMessage{"url": json.RawMessage(`"https://example.org/news"`)}}
	fmt.Println(permissions.Decide([]permissions.Rule{rule}, call, permissions.Ask))
	// Output: allow
}
