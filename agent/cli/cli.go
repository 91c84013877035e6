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
	"time"

	"agent.local/a0000000000000000/mcp"
	"agent.local/a0000000000000000/memory"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/seal"
	"agent.local/a0000000000000000/server"
)

// Program is one executable with this command line.
type Program struct {
	Name string
	// Argument is the placeholder for Open's argument in the usage, empty if the
	// agent is compiled in.
	Argument string
	Open     func(argument string) (protocol.Agent, error)
	// Site returns the handler of the site in a directory, which controls the
	// access to the agent. Nil if the program serves no sites.
	Site func(dir string, agent protocol.Agent, manifest protocol.Manifest, origins server.Origins) (http.Handler, error)
}

// Exit codes. The last three are those of --json.
const (
	exitOK         = 0
	exitFault      = 1
	exitUsage      = 2
	exitIncomplete = 3
	exitRetry      = 4
	exitCancelled  = 130
)

// exitCode ends the program without another message.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

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
	err = p.start(ctx, opts, argument, std)
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err != nil:
		fmt.Fprintf(std.err, "%s: %v\n", p.Name, err)
		return exitFault
	}
	return exitOK
}

func (p Program) start(ctx context.Context, opts options, argument string, std stdio) error {
	if opts.serve != "" {
		// What visitors keep stays valid for what takes over.
		keep(seal.KeyEnv, seal.NewKey())
	}
	if opts.request {
		keep(seal.OneAnswerEnv, "1")
	}
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
	defer flush(agent)
	agent = memory.Limit(agent, manifest.Limits.MemoryMB)
	switch {
	case opts.request:
		return answerRequest(ctx, agent, std)
	case opts.mcp:
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
		return mcp.New(agent, manifest, mcp.Options{}).Serve(ctx, std.in, std.out)
	case opts.serve != "":
		return p.serve(ctx, agent, manifest, opts, argument, std.err)
	case opts.message != "":
		request, err := opts.question(manifest)
		if err != nil {
			return err
		}
		if opts.json {
			return answerAsJSON(ctx, agent, request, std)
		}
		return answerQuestion(ctx, agent, request, std)
	}
	return newTerminal(agent, manifest, std).run(ctx)
}

// How long the program waits at its end for what an agent still has to report.
const flushGrace = 3 * time.Second

func flush(agent protocol.Agent) {
	if f, ok := agent.(protocol.Flusher); ok {
		ctx, cancel := context.WithTimeout(context.Background(), flushGrace)
		defer cancel()
		f.Flush(ctx)
	}
}
