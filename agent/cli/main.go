// Package cli is the face of an agent: a terminal, a single question, or an
// HTTP server. It knows an agent by two functions only, so that a loaded
// plugin and a compiled-in agent are the same to it.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"agent.local/a0000000000000000/memory"
)

// Agent is what front needs of an agent.
type Agent interface {
	Manifest() []byte
	Handle(ctx context.Context, request []byte, emit func(event []byte) error) error
}

// Program is one executable that has a front.
type Program struct {
	Name string
	// Argument names what Open wants, empty where the agent is compiled in.
	Argument string
	Open     func(argument string) (Agent, error)
	// Site answers for the site in a directory, with an agent behind its door;
	// programs are the agent's own routes. Nil where a program shows no sites.
	Site func(dir string, agent Agent, programs http.Handler) (http.Handler, error)
}

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// Main runs the program with the arguments and streams of this process and
// returns its exit code.
func Main(p Program) int {
	return p.run(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}

type streams struct {
	in       io.Reader
	out, err io.Writer
}

type options struct {
	message, serve, site       string
	request, manifest, version bool
}

func (p Program) run(arguments []string, std streams) int {
	opts, rest, err := p.parse(arguments, std.err)
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
	if err := p.start(ctx, opts, rest, std); err != nil {
		fmt.Fprintf(std.err, "%s: %v\n", p.Name, err)
		return exitFault
	}
	return exitOK
}

func (p Program) start(ctx context.Context, opts options, argument string, std streams) error {
	agent, err := p.Open(argument)
	if err != nil {
		return err
	}
	about, err := readManifest(agent)
	if err != nil {
		return err
	}
	if opts.manifest {
		_, err := fmt.Fprintf(std.out, "%s\n", agent.Manifest())
		return err
	}
	// Without the kernel's limit the soft one still holds.
	_ = memory.Apply(about.Limits.MemoryMB)
	limited := limitedAgent{Agent: agent, mib: about.Limits.MemoryMB}
	switch {
	case opts.request:
		return pipeRequest(ctx, limited, std)
	case opts.serve != "":
		handler, err := p.handler(limited, about, opts.site)
		if err != nil {
			return err
		}
		return serve(ctx, about, opts.serve, handler, std.err)
	case opts.message != "":
		return ask(ctx, limited, opts.message, std)
	}
	return newTerminal(limited, about, std).run(ctx)
}

// handler returns what the server answers.
func (p Program) handler(agent Agent, about about, site string) (http.Handler, error) {
	token := os.Getenv(TokenEnv)
	if site == "" {
		return newHandler(agent, about, token), nil
	}
	if token != "" {
		return nil, fmt.Errorf("%s is for a server without a site; with --site, AGENT_ACCESS says who may talk to the agent", TokenEnv)
	}
	return p.Site(site, agent, newRoutes(agent, about, ""))
}

// schema is the version of manifest, request and events.
const schema = 1

// about is the part of a manifest that front uses.
type about struct {
	Name        string
	Handle      string
	Version     string
	Description string
	Error       string
	Schema      int
	Limits      struct {
		MemoryMB int `json:"memory_mb"`
	}
}

func readManifest(agent Agent) (about, error) {
	var a about
	if err := json.Unmarshal(agent.Manifest(), &a); err != nil {
		return about{}, fmt.Errorf("the agent's manifest is not readable: %w", err)
	}
	if a.Error != "" {
		return about{}, errors.New(a.Error)
	}
	if a.Schema != schema {
		return about{}, fmt.Errorf("the agent has schema %d, this program knows %d; use the one that came with the agent", a.Schema, schema)
	}
	return a, nil
}

// limitedAgent ends an answer that exceeds the memory limit.
type limitedAgent struct {
	Agent
	mib int
}

func (l limitedAgent) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	watched, stop := memory.Watch(ctx, l.mib)
	defer stop()
	return l.Agent.Handle(watched, request, emit)
}
