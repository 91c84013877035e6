// Package transport makes the HTTP connections of an agent.
package transport

import (
	"net"
	"net/http"
	"time"
)

// EgressSocket names the variable that holds the path of a unix socket. Where
// it is set there is no network, and an HTTP proxy behind that socket decides
// which hosts may be reached.
const EgressSocket = "AGENT_EGRESS_SOCKET"

// How long a connection may take to stand. Answers have no limit of their own
// here: a model may think for minutes, and the agent's time limit bounds it.
const connectTimeout = 15 * time.Second

// New returns a transport that follows the environment: the egress socket
// where there is one, else the usual proxy variables.
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
