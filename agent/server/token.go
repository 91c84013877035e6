package server

import (
	"crypto/subtle"
	"fmt"
	"net/http"

	"agent.local/a0000000000000000/httpapi"
)

// TokenEnv is the variable with the bearer token that clients must send; OldTokenEnv
// is its older name.
const (
	TokenEnv    = "AGENT_TOKEN"
	OldTokenEnv = "AGENT_SERVER_TOKEN"
)

// Token returns the token in the environment, empty if there is none.
func Token(env func(string) string) (string, error) {
	token, old := env(TokenEnv), env(OldTokenEnv)
	switch {
	case token == "":
		return old, nil
	case old != "" && token != old:
		return "", fmt.Errorf("%s and its older name %s have different values: set one of them", TokenEnv, OldTokenEnv)
	}
	return token, nil
}

// RequireToken refuses requests without the bearer token if token is not empty.
func RequireToken(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		if token != "" && subtle.ConstantTimeCompare([]byte(header), []byte("Bearer "+token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			httpapi.WriteError(w, http.StatusUnauthorized, "unauthorized", `send "Authorization: Bearer" with this server's token`)
			return
		}
		next.ServeHTTP(w, r)
	})
}
