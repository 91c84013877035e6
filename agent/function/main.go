// Command function is an agent as a serverless function: the bootstrap of a
// custom runtime of AWS Lambda, which is what Netlify runs Go in. It takes the
// events of an HTTP gateway and answers them as the agent's HTTP server would.
package main

import (
	"context"
	"fmt"
	"os"

	bundle "agent.local/a0000000000000000"
	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/cli"
)

type compiledIn struct{}

func (compiledIn) Manifest() []byte { return bundle.Manifest() }

func (compiledIn) Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return bundle.Handle(ctx, request, emit)
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--manifest" {
		fmt.Printf("%s\n", bundle.Manifest())
		return
	}
	if err := serve(context.Background(), os.Getenv("AWS_LAMBDA_RUNTIME_API"), start); err != nil {
		fmt.Fprintf(os.Stderr, "function: %v\n", err)
		os.Exit(1)
	}
}

func start() (answerer, error) {
	handler, err := cli.Handler(compiledIn{}, os.Getenv("AGENT_SERVER_TOKEN"))
	if err != nil {
		return nil, err
	}
	door, err := auth.NewDoor(os.Getenv, auth.FromPlatform)
	if err != nil {
		return nil, err
	}
	return gateway{door.Guard(compiledIn{}, handler)}.answer, nil
}
