package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/cli"
	"agent.local/a0000000000000000/fileserver"
)

// markFile says which content a site shows, and for whom it was made.
const markFile = "agentforge.json"

// whole is a site with its agent: pages for everybody, the agent behind its
// door, and a sign of life.
type whole struct {
	pages, guarded, programs http.Handler
	// Behind a proxy of this machine every name is foreign.
	isProxied bool
}

func openSite(dir string, agent cli.Agent, programs http.Handler) (http.Handler, error) {
	return newWhole(os.Getenv, dir, agent, programs)
}

func newWhole(env func(string) string, dir string, agent cli.Agent, programs http.Handler) (http.Handler, error) {
	pages, err := fileserver.Open(dir)
	if err != nil {
		return nil, err
	}
	env = orAsMade(env, dir)
	proxies, err := auth.Proxies(env)
	if err != nil {
		return nil, err
	}
	door, err := auth.NewDoor(env, auth.Behind(proxies))
	if err != nil {
		return nil, err
	}
	return whole{pages, door.Guard(agent, programs), programs, proxies > 0}, nil
}

// orAsMade adds whom a site was made for, where the environment does not say: a
// site that was made for some must not open because a variable was left out.
func orAsMade(env func(string) string, dir string) func(string) string {
	var mark struct{ Access string }
	text, err := os.ReadFile(filepath.Join(dir, markFile))
	if err != nil || json.Unmarshal(text, &mark) != nil {
		return env
	}
	return func(name string) string {
		if value := env(name); value != "" || name != auth.AccessEnv {
			return value
		}
		return mark.Access
	}
}

func (h whole) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/healthz":
		h.programs.ServeHTTP(w, r)
	case !h.isProxied && cli.ForeignName(r):
		text := "Ask for this site by localhost or its address. Behind a proxy of this machine, set " + auth.ProxiesEnv + "."
		http.Error(w, text, http.StatusForbidden)
	case path == "/chat" || path == "/manifest" || strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/"):
		h.guarded.ServeHTTP(w, r)
	default:
		h.pages.ServeHTTP(w, r)
	}
}
