//go:build linux || darwin || freebsd

package loader_test

import (
	"errors"
	"fmt"

	"agent.local/a0000000000000000/loader"
)

func ExampleOpen() {
	agent, err := loader.Open("agent.so")
	var mismatch *loader.MismatchError
	switch {
	case errors.As(err, &mismatch):
		fmt.Println("refused by the rule", mismatch.Rule)
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Printf("%s\n", agent.Manifest())
	}
}
