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
