// Package transport makes the HTTP connections of an agent.
package transport

import (
	"net"
	"net/http"
	"time"
)

// EgressSocket is the variable with the path of a unix socket. If it is set, there
// is no other network, and an HTTP proxy behind the socket decides which hosts are
// reachable.
const EgressSocket = "AGENT_EGRESS_SOCKET"

// The time limit for establishing a connection. Answers have none here: a model
// may take minutes, and the agent's time limit applies.
const connectTimeout = 15 * time.Second

// New returns a transport that connects through the egress socket, or else by the
// usual proxy variables.
func New(getenv func(string) string) *http.Transport {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    connectTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 256 << 10,
	}
	if socket := getenv(EgressSocket); socket != "" {
		t.Proxy = nil
		t.DialContext = tunnel{socket: socket}.dial
	}
	return t
}
