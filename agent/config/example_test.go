package config_test

import (
	"fmt"
	"os"

	"agent.local/a0000000000000000/config"
)

func ExampleParse() {
	raw, err := os.ReadFile("../agent.json")
	if err != nil {
		panic(err)
	}
	c, err := config.Parse(raw)
	fmt.Println(c.Identity.Name, err)
	_, err = config.Parse([]byte(`{"color":"red"}`))
	fmt.Println(err)
	// Output:
	// Sample Agent <nil>
	// agent.json: json: unknown field "color"
}
