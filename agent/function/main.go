// Command function is an agent as a serverless function: the bootstrap of a
// custom AWS Lambda runtime, which Netlify runs Go functions in. It answers the
// events of an HTTP gateway like the agent's HTTP server.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	bundle "agent.local/a0000000000000000"
	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/memory"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
	"agent.local/a0000000000000000/webchat"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--manifest" {
		fmt.Printf("%s\n", bundle.Manifest())
		return
	}
	err := serve(context.Background(), os.Getenv("AWS_LAMBDA_RUNTIME_API"), start, bundle.Flush)
	fmt.Fprintf(os.Stderr, "function: %v\n", err)
	os.Exit(1)
}

func start() (answerer, error) {
	manifest, err := protocol.ReadManifest(bundle.Agent{})
	if err != nil {
		return nil, err
	}
	agent := server.Bounded(memory.Limit(bundle.Agent{}, manifest.Limits.MemoryMB))
	gate, err := auth.NewGate(os.Getenv, auth.NetlifyAddress)
	if err != nil {
		return nil, err
	}
	origins, err := server.ParseOrigins(os.Getenv(server.OriginsEnv))
	if err != nil {
		return nil, err
	}
	token, err := server.Token(os.Getenv)
	if err != nil {
		return nil, err
	}
	// The platform freezes the process between requests, so tasks would not go on.
	options := server.Options{Shared: true, Stateless: true, Bearer: token != "" || gate.Access() != "public"}
	routes := server.Routes(agent, manifest, options, func(routes http.Handler) http.Handler {
		return origins.Check(gate.Guard(webchat.Handler(agent, manifest, gate.Sealer()), server.RequireToken(token, routes)))
	})
	return gateway{routes, newRegisters(os.Getenv)}.answer, nil
}
