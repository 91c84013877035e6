package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/protocol"
)

func ExampleRegister() {
	agent := &agenttest.Agent{}
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	httpapi.Register(mux, agent, manifest)
	server := httptest.NewServer(mux)
	defer server.Close()
	response, err := http.Post(server.URL+"/chat", "application/json", strings.NewReader(agenttest.Question("hi")))
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	events, _ := io.ReadAll(response.Body)
	fmt.Printf("%s", events)
	// Output:
	// data: {"text":"hi","type":"token"}
	//
	// data: {"input_tokens":3,"output_tokens":2,"type":"usage"}
	//
	// data: {"finish":"stop","rounds":1,"text":"hi","type":"done"}
}
