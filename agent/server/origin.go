package server

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"agent.local/a0000000000000000/httpapi"
)

// OriginsEnv is the variable with the origins, separated by commas, whose pages may
// use the agent beside its own.
const OriginsEnv = "AGENT_ORIGINS"

// Origins are the origins whose pages may use the agent beside its own.
type Origins []string

// ParseOrigins reads the value of OriginsEnv.
func ParseOrigins(text string) (Origins, error) {
	var origins Origins
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		parsed, err := url.Parse(entry)
		if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || entry != parsed.Scheme+"://"+parsed.Host {
			return nil, fmt.Errorf("%s: %q is not an origin; write https://name or http://name:port, without a path", OriginsEnv, entry)
		}
		origins = append(origins, strings.ToLower(entry))
	}
	return origins, nil
}

// Check refuses requests of foreign pages, and answers the preflight requests of
// allowed ones. Programs send no Origin.
func (o Origins) Check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" || isOwnOrigin(r, origin) {
			next.ServeHTTP(w, r)
			return
		}
		if !slices.Contains(o, strings.ToLower(origin)) {
			httpapi.WriteError(w, http.StatusForbidden, "forbidden_origin", "pages of this origin may not use the agent; "+OriginsEnv+" allows them")
			return
		}
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", origin)
		header.Add("Vary", "Origin")
		header.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			header.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
			header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			header.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOwnOrigin reports whether a page of this server asks. Behind a proxy that changes
// the host name, the browser's own word counts.
func isOwnOrigin(r *http.Request, origin string) bool {
	parsed, err := url.Parse(origin)
	return r.Header.Get("Sec-Fetch-Site") == "same-origin" || err == nil && parsed.Host != "" && strings.EqualFold(parsed.Host, r.Host)
}

func rejectForeignHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsForeignHost(r) {
			httpapi.WriteError(w, http.StatusForbidden, "forbidden_host", "use localhost or this server's address as the host name")
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// IsForeignHost reports whether a request reached the loopback address under a
// name other than localhost. Such requests come from DNS rebinding: a web page
// resolves its own name to the visitor's machine to reach an agent there.
func IsForeignHost(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return local != nil && local.IP.IsLoopback() && !isLoopbackName(r.Host)
}

func isLoopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
