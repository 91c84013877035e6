package main

import (
	"net/http"
	"os"
	"strings"

	"agent.local/a0000000000000000/front"
	"agent.local/a0000000000000000/site"
	"agent.local/a0000000000000000/static"
)

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
