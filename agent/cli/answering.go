package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// How long answers in progress may take after a stop: Docker kills after 10
	// seconds.
	stopGrace = 8 * time.Second
	// How long they then have to report that they were cancelled.
	cancelGrace = time.Second
)

// leaving is how a server gives way to another process: once retire is closed, it accepts
// no more connections, and calls left.
type leaving struct {
	retire <-chan struct{}
	left   func()
}

// serveOn answers until ctx ends, and lets the answers in progress finish within the
// grace. A server that leaves answers on the connections that it has until their clients
// are done, and returns.
func serveOn(ctx context.Context, leave leaving, listener net.Listener, handler http.Handler, grace time.Duration) error {
	answers, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var open connections
	web := &http.Server{
		Handler:           open.closing(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return answers },
		ConnState:         open.count,
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-leave.retire:
		_ = listener.Close()
		<-failed
		leave.left()
		if open.wait(ctx) {
			return nil
		}
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

// connections counts those that are open. A server that shuts down closes idle ones, on
// which a client may be sending at this moment; one that retires lets them end.
type connections struct {
	open     sync.WaitGroup
	retiring atomic.Bool
}

func (c *connections) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Done()
	}
}

// closing tells clients of a server that retires that an answer is the last on its
// connection.
func (c *connections) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.retiring.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// wait waits until no connection is open, and reports whether that was before ctx ended.
func (c *connections) wait(ctx context.Context) bool {
	c.retiring.Store(true)
	ended := make(chan struct{})
	go func() { c.open.Wait(); close(ended) }()
	select {
	case <-ended:
		return true
	case <-ctx.Done():
		return false
	}
}
