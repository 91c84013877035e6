// Package outbound makes the connections of tools to hosts that a model names: only to
// the hosts of a list, and only to public addresses.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"agent.local/a0000000000000000/transport"
)

// PrivateHostsEnv is the variable with the hosts, separated by commas, that may have
// addresses that are not public. A list of hosts has to name them as well.
const PrivateHostsEnv = "AGENT_PRIVATE_HOSTS"

const (
	maxRedirects = 5
	connectTime  = 10 * time.Second
	headerTime   = 15 * time.Second
)

var hostEntry = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[0-9]{1,5})?$`)

// Client makes requests to the hosts of its list.
type Client struct {
	hosts   []string
	private []string
	client  *http.Client
}

// New returns a client for a list of hosts: "example.org", "*.example.org" for those
// below it, or with a port. It connects through the egress socket if there is one,
// never by a proxy of the environment, whose address would be judged in place of the
// host's.
func New(hosts []string, getenv func(string) string) (*Client, error) {
	return newClient(hosts, getenv, headerTime)
}

func newClient(hosts []string, getenv func(string) string, wait time.Duration) (*Client, error) {
	for _, host := range hosts {
		if !hostEntry.MatchString(host) {
			return nil, fmt.Errorf("%q is not a host such as example.org or *.example.org", host)
		}
	}
	c := &Client{hosts: hosts, private: strings.FieldsFunc(strings.ToLower(getenv(PrivateHostsEnv)), func(r rune) bool { return r == ',' || r == ' ' })}
	t := transport.New(getenv)
	t.Proxy, t.ResponseHeaderTimeout = nil, wait
	if getenv(transport.EgressSocket) == "" {
		t.DialContext = c.dial
	}
	c.client = &http.Client{Transport: t, CheckRedirect: c.checkRedirect}
	return c, nil
}

// dial connects to a host. The address is judged when it is dialled: a second look-up
// could give another.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: connectTime}
	if !slices.Contains(c.private, strings.ToLower(host)) {
		dialer.ControlContext = func(_ context.Context, _, dialled string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(dialled)
			if err != nil || !IsPublic(to.Addr()) {
				return fmt.Errorf("%s has an address that is not public", host)
			}
			return nil
		}
	}
	return dialer.DialContext(ctx, network, address)
}

// Check returns the URL that text means, or an error in words for the model.
func (c *Client) Check(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, errors.New("this is not a URL such as https://example.org/page")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("only http and https can be used")
	}
	if u.User != nil {
		return nil, errors.New("the URL has a user name or password; leave it out")
	}
	host, err := Host(u)
	if err != nil {
		return nil, errors.New("the host of this URL is no name that can be looked up")
	}
	port := u.Port()
	if u.Host = host; strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	if standard := map[string]string{"http": "80", "https": "443"}[u.Scheme]; port != "" && port != standard {
		u.Host = net.JoinHostPort(host, port)
	}
	u.Fragment = ""
	if !c.allows(host, port) {
		return nil, fmt.Errorf("%s is not one of the hosts that this agent may reach: %s", u.Host, strings.Join(c.hosts, ", "))
	}
	return u, nil
}

func (c *Client) allows(host, port string) bool {
	if port == "80" || port == "443" {
		port = ""
	}
	return slices.ContainsFunc(c.hosts, func(entry string) bool {
		name, listedPort, _ := strings.Cut(entry, ":")
		if number, err := strconv.Atoi(listedPort); err == nil && (number == 80 || number == 443) {
			listedPort = ""
		}
		below, isWild := strings.CutPrefix(name, "*")
		return listedPort == port && (name == host || isWild && strings.HasSuffix(host, below))
	})
}

func (c *Client) checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("too many redirects")
	}
	if via[len(via)-1].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return errors.New("the redirect leads from https to http")
	}
	u, err := c.Check(request.URL.String())
	if err != nil {
		return fmt.Errorf("the redirect leads to %s: %w", request.URL.Host, err)
	}
	request.URL = u
	// Go adds the page that led here, which is nobody's business.
	request.Header.Del("Referer")
	return nil
}

// Get requests a checked URL. The caller must close the body, which is decompressed.
func (c *Client) Get(ctx context.Context, u *url.URL, accept string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("User-Agent", UserAgent)
	response, err := c.client.Do(request)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return response, err
}

// UserAgent is how requests introduce themselves.
const UserAgent = "AgentForge-Agent/1.0"
