package cli

import (
	"net"
	"testing"

	"agent.local/a0000000000000000/server"
)

// Everybody who can connect must not spend the owner's key unless the owner says so.
func TestTokenFor(t *testing.T) {
	t.Parallel()
	local, public := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv6zero}
	tests := []struct {
		name    string
		address net.Addr
		env     map[string]string
		token   string
		isNew   bool
		refused bool
	}{
		{"this machine", local, nil, "", false, false},
		{"every address", public, nil, "", true, false},
		{"chosen", public, map[string]string{server.TokenEnv: "a"}, "a", false, false},
		{"chosen on this machine", local, map[string]string{server.OldTokenEnv: "a"}, "a", false, false},
		{"open to everybody", public, map[string]string{accessEnv: "public"}, "", false, false},
		{"a site's access", public, map[string]string{accessEnv: "password"}, "", false, true},
		{"two tokens", public, map[string]string{server.TokenEnv: "a", server.OldTokenEnv: "b"}, "", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			token, isNew, err := tokenFor(test.address, func(name string) string { return test.env[name] })
			if (err != nil) != test.refused || isNew != test.isNew || !isNew && token != test.token || isNew && len(token) < 20 {
				t.Errorf("%q, %v, %v", token, isNew, err)
			}
		})
	}
}
