package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Host returns the host of a URL as it is looked up: in lower case, without a final dot,
// and with xn-- in place of labels that are not ASCII. A name that can't be written so is
// an error.
func Host(u *url.URL) (string, error) {
	host := strings.ToLower(u.Hostname())
	if !isASCII(host) {
		named, err := dialled(host)
		if err != nil {
			return "", fmt.Errorf("%q: %w", host, err)
		}
		host = named
	}
	return strings.TrimSuffix(host, "."), nil
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 127 }) < 0
}

var (
	errNotDialled = errors.New("only its name is wanted")
	errNoName     = errors.New("not a name that can be looked up")
)

// dialled returns the name that a transport dials for another one, without dialling: the
// standard library maps names (UTS 46) nowhere else.
func dialled(name string) (string, error) {
	host := name
	transport := &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		host, _, _ = net.SplitHostPort(address)
		return nil, errNotDialled
	}}
	request := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: name}, Header: http.Header{}}
	if response, err := transport.RoundTrip(request); err == nil {
		response.Body.Close()
	}
	// It dials what it can't map as it is.
	if !isASCII(host) {
		return "", errNoName
	}
	return host, nil
}
