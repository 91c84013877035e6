package fileserver

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRangesAndETags(t *testing.T) {
	t.Parallel()
	server := newServer(t, newSite(t))
	whole, _ := get(t, server, "GET", "/files/ada.so")
	tag := whole.Header.Get("Etag")
	tests := []struct {
		name    string
		headers []string
		status  int
		body    string
	}{
		{"range", []string{"Range: bytes=2-4"}, 206, "234"},
		{"suffix", []string{"Range: bytes=-3"}, 206, "789"},
		{"past the end", []string{"Range: bytes=20-"}, 416, ""},
		{"unchanged", []string{"If-None-Match: " + tag}, 304, ""},
		{"changed", []string{`If-None-Match: "other"`}, 200, "0123456789"},
		{"range of the same version", []string{"Range: bytes=0-1", "If-Range: " + tag}, 206, "01"},
		{"range of another version", []string{"Range: bytes=0-1", `If-Range: "other"`}, 200, "0123456789"},
		{"dates are ignored", []string{"If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"}, 200, "0123456789"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, body := get(t, server, "GET", "/files/ada.so", test.headers...)
			if got.StatusCode != test.status || (test.body != "" && body != test.body) {
				t.Errorf("%d %q", got.StatusCode, body)
			}
		})
	}
	if got, _ := get(t, server, "GET", "/chat.js"); got.Header.Get("Cache-Control") != "public, max-age=0, must-revalidate" {
		t.Errorf("Cache-Control %q", got.Header.Get("Cache-Control"))
	}
	if got, _ := get(t, server, "GET", "/agentforge.json"); got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a rule for one file: %v", got.Header)
	}
}

// The tag changes with the content even if size, path and date stay the same.
func TestETagDependsOnContent(t *testing.T) {
	t.Parallel()
	dir := newSite(t)
	server := newServer(t, dir)
	path := filepath.Join(dir, "about.html")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, content := range []string{"<h1>ABOUT</h1>", "<h1>About</h1>", "<h1>aBOUT</h1>"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		got, body := get(t, server, "GET", "/about")
		if body != content || seen[got.Header.Get("Etag")] {
			t.Errorf("%q with the tag %s", body, got.Header.Get("Etag"))
		}
		seen[got.Header.Get("Etag")] = true
	}
}
