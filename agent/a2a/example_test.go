package a2a_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"agent.local/a0000000000000000/a2a"
	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

func ExampleNew() {
	agent := &agenttest.Agent{}
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	a2a.New(agent, manifest, a2a.Options{}).Register(mux)
	web := httptest.NewServer(mux)
	defer web.Close()
	response, err := http.Get(web.URL + "/a2a")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode, response.Header.Get("Allow"))
	// Output: 405 POST
}
