package auth

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// ProxiesEnv is the variable with the number of proxies in front of the
// program.
const ProxiesEnv = "AGENT_TRUSTED_PROXIES"

const maxProxies = 16

// ClientAddress returns the address that the rate limits of a request apply to:
// an IPv4 address, or an IPv6 /64 network, which is what one household has.
type ClientAddress func(*http.Request) string

// NetlifyAddress is the ClientAddress of a Netlify function. Netlify replaces
// this header if a client sends it.
func NetlifyAddress(r *http.Request) string {
	text := strings.TrimSpace(r.Header.Get("X-Nf-Client-Connection-Ip"))
	if address, ok := parseAddress(text); ok {
		return address
	}
	return text
}

// ProxiedAddress returns the ClientAddress of a program behind proxies: the
// client that the outermost of them saw, or without proxies the peer. Each proxy
// appends its client to X-Forwarded-For, so whatever the client forged is
// further left.
func ProxiedAddress(proxies int) ClientAddress {
	return func(r *http.Request) string {
		forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if proxies > 0 && proxies <= len(forwarded) {
			if address, ok := parseAddress(strings.TrimSpace(forwarded[len(forwarded)-proxies])); ok {
				return address
			}
		}
		address, _ := parseAddress(r.RemoteAddr)
		return address
	}
}

// Proxies returns the number of proxies in front of the program.
func Proxies(env func(string) string) (int, error) {
	text := env(ProxiesEnv)
	if text == "" {
		return 0, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 || number > maxProxies {
		return 0, fmt.Errorf("%s is %q; set it to the number of proxies in front of this program, 0 to %d", ProxiesEnv, text, maxProxies)
	}
	return number, nil
}

// parseAddress reads an address with or without a port.
func parseAddress(text string) (string, bool) {
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return "", false
		}
		ip = withPort.Addr()
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String(), true
	}
	network, err := ip.Prefix(64)
	return network.String(), err == nil
}
