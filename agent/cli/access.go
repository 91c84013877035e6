package cli

import (
	"crypto/rand"
	"errors"
	"net"

	"agent.local/a0000000000000000/server"
)

const accessEnv = "AGENT_ACCESS"

// tokenFor returns the token that clients must send, empty for none, and whether it
// was made just now: everybody who can connect to a public address would otherwise
// spend the owner's key.
func tokenFor(address net.Addr, env func(string) string) (token string, isNew bool, err error) {
	if token, err = server.Token(env); err != nil || token != "" {
		return token, false, err
	}
	switch access := env(accessEnv); {
	case access == "public":
		return "", false, nil
	case access != "":
		return "", false, errors.New(accessEnv + "=" + access + " needs --site; without a site, " + server.TokenEnv + " says who may use the agent")
	case isLoopback(address):
		return "", false, nil
	}
	return rand.Text(), true, nil
}

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
