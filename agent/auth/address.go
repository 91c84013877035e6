package auth

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// ProxiesEnv names the variable with the number of proxies before the program.
const ProxiesEnv = "AGENT_TRUSTED_PROXIES"

const maxProxies = 16

// Address names who asks, for the limits. Of IPv6 one household has a whole /64.
type Address func(*http.Request) string

// FromPlatform names who asks a function: Netlify sets the header itself,
// whatever was sent.
func FromPlatform(r *http.Request) string {
	text := strings.TrimSpace(r.Header.Get("X-Nf-Client-Connection-Ip"))
	if name, ok := household(text); ok {
		return name
	}
	return text
}

// Behind names who asks a program that listens itself: who is connected or,
// behind proxies, whom the outermost of them saw. Each adds its own client at
// the right, so what the client itself wrote stands further left.
func Behind(proxies int) Address {
	return func(r *http.Request) string {
		seen := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if proxies > 0 && proxies <= len(seen) {
			if name, ok := household(strings.TrimSpace(seen[len(seen)-proxies])); ok {
				return name
			}
		}
		name, _ := household(r.RemoteAddr)
		return name
	}
}

// Proxies reads how many proxies stand before the program.
func Proxies(env func(string) string) (int, error) {
	text := env(ProxiesEnv)
	if text == "" {
		return 0, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 || number > maxProxies {
		return 0, fmt.Errorf("%s is %q; it is the number of proxies before this program, 0 to %d", ProxiesEnv, text, maxProxies)
	}
	return number, nil
}

// household reads an address, with or without a port.
func household(text string) (string, bool) {
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
