package jsonschema_test

import (
	"fmt"

	"agent.local/a0000000000000000/jsonschema"
)

func ExampleParse() {
	schema, err := jsonschema.Parse([]byte(`{"type":"object","required":["city"]}`))
	fmt.Println(err, schema.Check([]byte(`{"city":"Ghent"}`)), schema.Check([]byte(`{}`)))
	// Output: <nil> <nil> $ lacks "city"
}
