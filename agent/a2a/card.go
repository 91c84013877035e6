package a2a

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// CardPaths are the addresses of the card; the second is that of versions before 0.3.
var CardPaths = []string{"/.well-known/agent-card.json", "/.well-known/agent.json"}

// baseURL returns the address under which a client reached this server. A proxy that
// ends TLS says so in a header.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func writeCard(w http.ResponseWriter, r *http.Request, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("Vary", "Host, X-Forwarded-Proto")
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body)
}
