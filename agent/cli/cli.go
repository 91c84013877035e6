// Package cli is the command line of an agent: a conversation in the terminal,
// a single question, or an HTTP server.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/memory"
	"agent.local/a0000000000000000/protocol"
)

// Program is one executable with this command line.
type Program struct {
	Name string
	// Argument is the placeholder for Open's argument in the usage, empty if the
	// agent is compiled in.
	Argument string
	Open     func(argument string) (protocol.Agent, error)
	// Site returns the handler of the site in a directory, which controls the
	// access to the agent; routes are the agent's own. Nil if the program serves
	// no sites.
	Site func(dir string, agent protocol.Agent, routes http.Handler) (http.Handler, error)
}

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// Main runs the program with the arguments and streams of this process and
// returns its exit code: 0 for success, 1 for a failure, 2 for wrong usage.
func Main(p Program) int {
	return p.run(os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}

type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func (p Program) run(arguments []string, std stdio) int {
	opts, argument, err := p.parse(arguments, std.err)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case opts.version:
		fmt.Fprintf(std.out, "%s (%s %s/%s)\n", p.Name, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return exitOK
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := p.start(ctx, opts, argument, std); err != nil {
		fmt.Fprintf(std.err, "%s: %v\n", p.Name, err)
		return exitFault
	}
	return exitOK
}

func (p Program) start(ctx context.Context, opts options, argument string, std stdio) error {
	agent, err := p.Open(argument)
	if err != nil {
		return err
	}
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		return err
	}
	if opts.manifest {
		_, err := fmt.Fprintf(std.out, "%s\n", agent.Manifest())
		return err
	}
	agent = memory.Limit(agent, manifest.Limits.MemoryMB)
	switch {
	case opts.request:
		return answerRequest(ctx, agent, std)
	case opts.serve != "":
		handler, err := p.handler(agent, manifest, opts.site)
		if err != nil {
			return err
		}
		return serve(ctx, manifest, opts.serve, handler, std.err)
	case opts.message != "":
		return answerQuestion(ctx, agent, opts.message, std)
	}
	return newTerminal(agent, manifest, std).run(ctx)
}

// handler returns the handler of --serve, with or without --site.
func (p Program) handler(agent protocol.Agent, manifest protocol.Manifest, site string) (http.Handler, error) {
	token := os.Getenv(httpapi.TokenEnv)
	if site == "" {
		return httpapi.Handler(agent, manifest, token), nil
	}
	if token != "" {
		return nil, fmt.Errorf("%s is for a server without a site; with --site, AGENT_ACCESS says who may use the agent", httpapi.TokenEnv)
	}
	return p.Site(site, agent, httpapi.Routes(agent, manifest))
}
