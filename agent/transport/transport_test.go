package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// proxy listens on a unix socket, passes requests to handle and returns the
// environment of its clients.
func proxy(t *testing.T, handle func(net.Conn, *http.Request)) func(string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "egress.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					handle(conn, request)
				}
			}()
		}
	}()
	return func(name string) string {
		if name == EgressSocket {
			return socket
		}
		return ""
	}
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	for _, server := range []*httptest.Server{httptest.NewServer(hello()), httptest.NewTLSServer(hello())} {
		defer server.Close()
		requests := make(chan string, 1)
		env := proxy(t, func(conn net.Conn, r *http.Request) {
			requests <- r.Method + " " + r.Host
			target, err := net.Dial("tcp", r.Host)
			if err != nil {
				return
			}
			defer target.Close()
			fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
			go func() { _, _ = io.Copy(target, conn) }()
			_, _ = io.Copy(conn, target)
		})
		transport := New(env)
		if base, ok := server.Client().Transport.(*http.Transport); ok {
			transport.TLSClientConfig = base.TLSClientConfig
		}
		response, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		transport.CloseIdleConnections()
		if want := "CONNECT " + server.Listener.Addr().String(); <-requests != want || string(body) != "hello" {
			t.Errorf("%s: body %q", server.URL, body)
		}
	}
}

func hello() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
}

func TestTunnelRefused(t *testing.T) {
	t.Parallel()
	env := proxy(t, func(conn net.Conn, _ *http.Request) {
		fmt.Fprint(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nnot listed")
	})
	_, err := New(env).DialContext(t.Context(), "tcp", "api.example.com:443")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Status != 403 || !strings.Contains(err.Error(), "api.example.com:443") {
		t.Fatalf("got %v", err)
	}
}

func TestTunnelKeepsEarlyBytes(t *testing.T) {
	t.Parallel()
	env := proxy(t, func(conn net.Conn, _ *http.Request) { fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\nearly") })
	conn, err := New(env).DialContext(t.Context(), "tcp", "a:1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, _ := io.ReadAll(conn); string(got) != "early" {
		t.Errorf("read %q", got)
	}
}

func TestTunnelCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	env := proxy(t, func(conn net.Conn, _ *http.Request) {
		cancel()
		_, _ = io.Copy(io.Discard, conn)
	})
	if _, err := New(env).DialContext(ctx, "tcp", "a:1"); err == nil {
		t.Fatal("a silent proxy connected")
	}
}

func TestTunnelWithoutProxy(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none.sock")
	_, err := New(func(string) string { return missing }).DialContext(t.Context(), "tcp", "a:1")
	if err == nil || !strings.Contains(err.Error(), "the egress proxy does not answer") {
		t.Fatalf("got %v", err)
	}
}

func TestProxyVariables(t *testing.T) {
	t.Parallel()
	if New(func(string) string { return "" }).Proxy == nil {
		t.Error("no proxy function")
	}
}
