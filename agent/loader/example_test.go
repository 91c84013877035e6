package loader_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"agent.local/a0000000000000000/loader"
)

func ExampleCheckSignature() {
	dir, err := os.MkdirTemp("", "plugin")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	_, err = loader.CheckSignature(filepath.Join(dir, "agent.so"), "")
	fmt.Println(errors.Is(err, loader.ErrUnsigned))
	// Output: true
}

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
