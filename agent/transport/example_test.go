package transport_test

import (
	"net/http"
	"os"

	"agent.local/a0000000000000000/transport"
)

func ExampleNew() {
	client := &http.Client{Transport: transport.New(os.Getenv)}
	defer client.CloseIdleConnections()
}
