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
)

// TokenEnv names the variable with the token that callers must send, if any.
const TokenEnv = "AGENT_SERVER_TOKEN"

const (
	// Answers in progress when the server is told to stop get this long: Docker
	// kills after 10 seconds.
	stopGrace = 8 * time.Second
	// Then they are ended, and may say so.
	lastWords = time.Second
	// More at once would only slow each other down at the provider.
	maxConcurrent = 64
)

// serve runs the HTTP server until ctx ends, which SIGTERM does, or Ctrl-C;
// then it lets the answers in progress end.
func serve(ctx context.Context, about about, address string, handler http.Handler, log io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	// A second Ctrl-C does not wait.
	context.AfterFunc(ctx, stop)
	listener, err := net.Listen("tcp", loopback(address))
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%s %s listens on http://%s\n", about.Name, about.Version, listener.Addr())
	return serveOn(ctx, listener, handler, stopGrace)
}

func serveOn(ctx context.Context, listener net.Listener, handler http.Handler, grace time.Duration) error {
	answers, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
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
		abandon()
		err = shutDown(server, lastWords)
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

// loopback completes "8080" and ":8080" to an address of this machine only: an
// open port would let everybody spend the owner's key.
func loopback(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = "", address
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
