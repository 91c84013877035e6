package auth

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func from(peer string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	const peer, forwarded, platform = "192.0.2.9:4000", "X-Forwarded-For", "X-Nf-Client-Connection-Ip"
	tests := []struct {
		name    string
		address ClientAddress
		request *http.Request
		want    string
	}{
		{"platform", NetlifyAddress, from(peer, platform, " 203.0.113.7 "), "203.0.113.7"},
		{"platform, network", NetlifyAddress, from(peer, platform, "2001:db8::1"), "2001:db8::/64"},
		{"platform, another network", NetlifyAddress, from(peer, platform, "2001:db8:0:1::1"), "2001:db8:0:1::/64"},
		{"platform, mapped", NetlifyAddress, from(peer, platform, "::ffff:203.0.113.7"), "203.0.113.7"},
		{"platform, no header", NetlifyAddress, from(peer), ""},
		{"peer", ProxiedAddress(0), from(peer), "192.0.2.9"},
		{"peer, network", ProxiedAddress(0), from("[2001:db8::1]:4000"), "2001:db8::/64"},
		{"peer, on a link", ProxiedAddress(0), from("[fe80::1%eth0]:4000"), "fe80::/64"},
		{"peer, forged headers", ProxiedAddress(0), from(peer, platform, "203.0.113.7", forwarded, "203.0.113.8"), "192.0.2.9"},
		{"one proxy", ProxiedAddress(1), from(peer, forwarded, "203.0.113.7"), "203.0.113.7"},
		{"one proxy, forged", ProxiedAddress(1), from(peer, forwarded, "198.51.100.1, 203.0.113.7"), "203.0.113.7"},
		{"one proxy, forged in a separate line", ProxiedAddress(1), from(peer, forwarded, "198.51.100.1", forwarded, "203.0.113.7"), "203.0.113.7"},
		{"one proxy, platform header", ProxiedAddress(1), from(peer, platform, "198.51.100.1", forwarded, "203.0.113.7"), "203.0.113.7"},
		{"one proxy, a port", ProxiedAddress(1), from(peer, forwarded, "203.0.113.7:99"), "203.0.113.7"},
		{"one proxy, a port in IPv6", ProxiedAddress(1), from(peer, forwarded, "[2001:db8::1]:99"), "2001:db8::/64"},
		{"one proxy, brackets", ProxiedAddress(1), from(peer, forwarded, "[2001:db8::1]"), "2001:db8::/64"},
		{"two proxies", ProxiedAddress(2), from(peer, forwarded, "198.51.100.1,203.0.113.7, 10.0.0.1"), "203.0.113.7"},
		{"fewer than configured", ProxiedAddress(2), from(peer, forwarded, "198.51.100.1"), "192.0.2.9"},
		{"no header", ProxiedAddress(1), from(peer), "192.0.2.9"},
		{"no address", ProxiedAddress(1), from(peer, forwarded, "unknown"), "192.0.2.9"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.address(test.request); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "0": 0, "2": 2, "16": 16, "17": -1, "-1": -1, "yes": -1, "1 ": -1} {
		got, err := Proxies(func(string) string { return text })
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
