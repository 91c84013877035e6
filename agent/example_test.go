package bundle_test

import (
	"encoding/json"
	"fmt"

	bundle "agent.local/a0000000000000000"
)

func Example() {
	var manifest struct {
		Handle string
		Tools  []string
	}
	if err := json.Unmarshal(bundle.Manifest(), &manifest); err != nil {
		panic(err)
	}
	fmt.Println(manifest.Handle, manifest.Tools)
	// Output: sample-agent [calculator clock]
}
