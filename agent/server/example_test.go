package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

func ExampleNew() {
	agent := &agenttest.Agent{}
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		panic(err)
	}
	web := httptest.NewServer(server.New(agent, manifest, "letmein", nil))
	defer web.Close()
	response, err := http.Get(web.URL + "/v1/models")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode, response.Header.Get("WWW-Authenticate"))
	// Output: 401 Bearer
}
