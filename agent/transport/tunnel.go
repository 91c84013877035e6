package transport

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// RefusedError reports that the egress proxy refused a connection.
type RefusedError struct {
	Address string
	Status  int
	Reason  string
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("the egress proxy refused to connect to %s: %d %s", e.Address, e.Status, http.StatusText(e.Status))
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// tunnel connects through a unix socket with HTTP CONNECT (RFC 9110, section
// 9.3.6).
type tunnel struct{ socket string }

func (t tunnel) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", t.socket)
	if err != nil {
		return nil, fmt.Errorf("the egress proxy does not answer: %w", err)
	}
	// A deadline in the past interrupts the reads and writes below.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunneled, err := connect(conn, address)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return tunneled, nil
}

func connect(conn net.Conn, address string) (net.Conn, error) {
	request := &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: address},
		Host:   address,
		Header: http.Header{},
	}
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("the egress proxy does not answer: %w", err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, fmt.Errorf("the egress proxy does not answer: %w", err)
	}
	if response.StatusCode/100 != 2 {
		reason, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return nil, &RefusedError{Address: address, Status: response.StatusCode, Reason: strings.TrimSpace(string(reason))}
	}
	if reader.Buffered() > 0 {
		return &bufferedConn{Conn: conn, reader: reader}, nil
	}
	return conn, nil
}

// bufferedConn reads first what arrived together with the proxy's response.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }
