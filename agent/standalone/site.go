package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"agent.local/a0000000000000000/front"
	"agent.local/a0000000000000000/site"
	"agent.local/a0000000000000000/static"
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

func openSite(dir string, agent front.Agent, programs http.Handler) (http.Handler, error) {
	return newWhole(os.Getenv, dir, agent, programs)
}

func newWhole(env func(string) string, dir string, agent front.Agent, programs http.Handler) (http.Handler, error) {
	pages, err := static.Open(dir)
	if err != nil {
		return nil, err
	}
	env = orAsMade(env, dir)
	proxies, err := site.Proxies(env)
	if err != nil {
		return nil, err
	}
	door, err := site.NewDoor(env, site.Behind(proxies))
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
		if value := env(name); value != "" || name != site.AccessEnv {
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
	case !h.isProxied && front.ForeignName(r):
		text := "Ask for this site by localhost or its address. Behind a proxy of this machine, set " + site.ProxiesEnv + "."
		http.Error(w, text, http.StatusForbidden)
	case path == "/chat" || path == "/manifest" || strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/"):
		h.guarded.ServeHTTP(w, r)
	default:
		h.pages.ServeHTTP(w, r)
	}
}
