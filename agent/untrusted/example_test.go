package untrusted_test

import (
	"fmt"

	"agent.local/a0000000000000000/untrusted"
)

func ExampleClean() {
	fmt.Println(untrusted.Clean("vis\u200bible\x1b[2J"))
	// Output: visible
}
