package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

const (
	// How long answers in progress may take after a stop: Docker kills after 10
	// seconds.
	stopGrace = 8 * time.Second
	// How long they then have to report that they were cancelled.
	cancelGrace = time.Second
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
	listener, err := net.Listen("tcp", withLoopback(opts.serve))
	if err != nil {
		return err
	}
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
		announce(log, manifest, listener)
		return serveOn(ctx, listener, handler, stopGrace)
	}
	token, isNew, err := tokenFor(listener.Addr(), os.Getenv)
	if err != nil {
		return err
	}
	handler := server.New(agent, manifest, token, origins)
	announce(log, manifest, listener)
	if isNew {
		fmt.Fprintf(log, "Clients must send this token, made for this start (%s sets another):\nAuthorization: Bearer %s\n", server.TokenEnv, token)
	}
	go p.replaceOn(ctx, hangUps, handler, agent, argument, log)
	return serveOn(ctx, listener, handler, stopGrace)
}

func announce(log io.Writer, manifest protocol.Manifest, listener net.Listener) {
	fmt.Fprintf(log, "%s %s listens on http://%s\n", manifest.Name, manifest.Version, listener.Addr())
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

func serveOn(ctx context.Context, listener net.Listener, handler http.Handler, grace time.Duration) error {
	answers, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	web := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return answers },
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	err := shutDown(web, grace)
	if errors.Is(err, context.DeadlineExceeded) {
		cancel()
		err = shutDown(web, cancelGrace)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return web.Close()
	}
	return err
}

func shutDown(web *http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return web.Shutdown(ctx)
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
