package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

// serve runs the HTTP server until ctx ends, by SIGTERM, or by Ctrl-C. Then it
// lets the answers in progress finish.
func (p Program) serve(ctx context.Context, agent protocol.Agent, manifest protocol.Manifest, opts options, argument string, log io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	// A second Ctrl-C ends the process at once.
	context.AfterFunc(ctx, stop)
	// Before the address is announced: who reads it may ask for another build at once.
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	defer signal.Stop(hangUps)
	place, err := p.place(opts.serve)
	if err != nil {
		return err
	}
	listener := place.listener
	defer listener.Close()
	origins, err := server.ParseOrigins(os.Getenv(server.OriginsEnv))
	if err != nil {
		return err
	}
	if opts.site != "" {
		handler, err := p.site(agent, manifest, opts.site, origins)
		if err != nil {
			return err
		}
		announce(log, manifest, place)
		return p.hold(ctx, hangUps, place, handler, log)
	}
	token, isNew, err := tokenFor(listener.Addr(), os.Getenv)
	if err != nil {
		return err
	}
	handler := server.New(agent, manifest, token, origins)
	announce(log, manifest, place)
	if isNew {
		keep(server.TokenEnv, token)
		fmt.Fprintf(log, "Clients must send this token, made for this start (%s sets another):\nAuthorization: Bearer %s\n", server.TokenEnv, token)
	}
	if p.Argument == "" {
		return p.hold(ctx, hangUps, place, handler, log)
	}
	last := make(chan protocol.Agent, 1)
	go func() { last <- p.replaceOn(ctx, hangUps, handler, agent, argument, log) }()
	err = serveOn(ctx, leaving{}, listener, handler, stopGrace)
	stop()
	flush(<-last)
	return err
}

// announce says where the program answers: in the log, or to the one before it.
func announce(log io.Writer, manifest protocol.Manifest, at place) {
	words := "listens on"
	if at.parent != nil {
		log, words = at.parent, "answers from now on at"
	}
	fmt.Fprintf(log, "%s %s %s http://%s\n", manifest.Name, manifest.Version, words, at.listener.Addr())
}

// site returns the handler of --site.
func (p Program) site(agent protocol.Agent, manifest protocol.Manifest, dir string, origins server.Origins) (http.Handler, error) {
	for _, name := range []string{server.TokenEnv, server.OldTokenEnv} {
		if os.Getenv(name) != "" {
			return nil, fmt.Errorf("%s is for a server without a site; with --site, %s says who may use the agent", name, accessEnv)
		}
	}
	return p.Site(dir, agent, manifest, origins)
}

// withLoopback completes "8080" and ":8080" with the loopback address: on any
// other, everybody who can connect spends the owner's key.
func withLoopback(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = "", address
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
