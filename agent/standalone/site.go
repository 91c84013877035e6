package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"agent.local/a0000000000000000/a2a"
	"agent.local/a0000000000000000/auth"
	"agent.local/a0000000000000000/fileserver"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
	"agent.local/a0000000000000000/webchat"
)

// markerFile identifies the content of a site and says who may use its agent.
const markerFile = "agentforge.json"

// site serves pages to everybody, and the agent to those whom the gate admits.
type site struct {
	// guarded is for the site's own pages, programs for what checks the origin.
	pages, guarded, programs http.Handler
	// behindProxy turns the check of the host name off: a proxy on this machine
	// connects to the loopback address for any name.
	behindProxy bool
}

func openSite(dir string, agent protocol.Agent, manifest protocol.Manifest, origins server.Origins) (http.Handler, error) {
	return newSite(os.Getenv, dir, agent, manifest, origins)
}

func newSite(env func(string) string, dir string, agent protocol.Agent, manifest protocol.Manifest, origins server.Origins) (http.Handler, error) {
	pages, err := fileserver.Open(dir)
	if err != nil {
		return nil, err
	}
	env = withSiteAccess(env, dir)
	proxies, err := auth.Proxies(env)
	if err != nil {
		return nil, err
	}
	gate, err := auth.NewGate(env, auth.ProxiedAddress(proxies))
	if err != nil {
		return nil, err
	}
	s := site{pages: pages, behindProxy: proxies > 0}
	// One bound for the page's questions and those of programs.
	agent = server.Bounded(agent)
	options := server.Options{Shared: true, Bearer: gate.Access() != "public"}
	s.programs = server.Routes(agent, manifest, options, func(routes http.Handler) http.Handler {
		s.guarded = gate.Guard(webchat.Handler(agent, manifest, gate.Sealer()), routes)
		return origins.Check(s.guarded)
	})
	return s, nil
}

// withSiteAccess adds the access that the site was built for if env sets none:
// a missing variable must not open a closed site.
func withSiteAccess(env func(string) string, dir string) func(string) string {
	var marker struct{ Access string }
	text, err := os.ReadFile(filepath.Join(dir, markerFile))
	if err != nil || json.Unmarshal(text, &marker) != nil {
		return env
	}
	return func(name string) string {
		if value := env(name); value != "" || name != auth.AccessEnv {
			return value
		}
		return marker.Access
	}
}

// The addresses of programs, beside those under /v1/ and /.well-known/.
var programPaths = []string{"/chat", "/manifest", "/mcp", "/a2a"}

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/healthz":
		s.programs.ServeHTTP(w, r)
	case !s.behindProxy && server.IsForeignHost(r):
		text := "Use localhost or this server's address as the host name. Behind a proxy on this machine, set " + auth.ProxiesEnv + "."
		http.Error(w, text, http.StatusForbidden)
	case strings.HasPrefix(path, "/api/"):
		s.guarded.ServeHTTP(w, r)
	case slices.Contains(programPaths, path), slices.Contains(a2a.CardPaths, path), strings.HasPrefix(path, "/v1/"):
		s.programs.ServeHTTP(w, r)
	default:
		s.pages.ServeHTTP(w, r)
	}
}
