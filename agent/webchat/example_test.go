package webchat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/webchat"
)

func ExampleHandler() {
	sealer, err := auth.NewSealer("")
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(webchat.Handler(&agenttest.Agent{}, protocol.Manifest{}, sealer))
	defer server.Close()
	response, err := http.Post(server.URL, "application/json", strings.NewReader(`{"message":"hi there"}`))
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	var answer struct{ Text, State string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		panic(err)
	}
	fmt.Println(answer.Text, answer.State != "")
	// Output: hi there true
}
