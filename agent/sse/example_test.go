package sse_test

import (
	"fmt"
	"os"
	"strings"

	"agent.local/a0000000000000000/sse"
)

func ExampleReader() {
	reader := sse.NewReader(strings.NewReader("event: greeting\ndata: hello\n\n"))
	event, err := reader.Next()
	fmt.Println(event.Name, event.Data, err)
	_, err = reader.Next()
	fmt.Println(err)
	// Output:
	// greeting hello <nil>
	// EOF
}

func ExampleWrite() {
	_ = sse.Write(os.Stdout, []byte(`{"type":"token"}`))
	// Output: data: {"type":"token"}
}
