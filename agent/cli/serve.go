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
	"time"

	"agent.local/a0000000000000000/protocol"
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
func serve(ctx context.Context, manifest protocol.Manifest, address string, handler http.Handler, log io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	// A second Ctrl-C ends the process at once.
	context.AfterFunc(ctx, stop)
	listener, err := net.Listen("tcp", withLoopback(address))
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%s %s listens on http://%s\n", manifest.Name, manifest.Version, listener.Addr())
	return serveOn(ctx, listener, handler, stopGrace)
}

func serveOn(ctx context.Context, listener net.Listener, handler http.Handler, grace time.Duration) error {
	answers, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return answers },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	err := shutDown(server, grace)
	if errors.Is(err, context.DeadlineExceeded) {
		cancel()
		err = shutDown(server, cancelGrace)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

func shutDown(server *http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return server.Shutdown(ctx)
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
