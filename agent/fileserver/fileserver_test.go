package fileserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const secret = "not part of the site"

// writeFiles writes files into a new directory.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

// newSite returns a directory with files that must be served and others that must
// not.
func newSite(t *testing.T) string {
	t.Helper()
	dir := writeFiles(t, map[string]string{
		"site/index.html":          "<h1>first</h1>",
		"site/about.html":          "<h1>about</h1>",
		"site/chat.js":             "let a;",
		"site/chat.css":            "a {}",
		"site/icon.svg":            "<svg/>",
		"site/agentforge.json":     "{}",
		"site/files/ada.so":        "0123456789",
		"site/files/SHA256SUMS":    "abc",
		"site/files/index.html":    "<h1>files</h1>",
		"site/empty/nothing.txt":   "x",
		"site/chat":                "plain",
		"site/_headers":            "/*\n  X-Everywhere: yes\n/agentforge.json\n  Cache-Control: no-store\n",
		"site/_redirects":          secret,
		"site/.env":                secret,
		"site/.git/config":         secret,
		"site/files/.hidden":       secret,
		"site/files/.hidden.html":  secret,
		"site/a.dir.html/file.txt": "x",
		"outside.html":             secret,
		"siblings/secret.txt":      secret,
	})
	link(t, "../outside.html", filepath.Join(dir, "site", "out.html"))
	link(t, filepath.Join(dir, "outside.html"), filepath.Join(dir, "site", "absolute.html"))
	link(t, "../siblings", filepath.Join(dir, "site", "siblings"))
	link(t, "about.html", filepath.Join(dir, "site", "inside.html"))
	return filepath.Join(dir, "site")
}

func newServer(t *testing.T, dir string) *httptest.Server {
	t.Helper()
	handler, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// get sends a request line as it is; an HTTP client would clean the path.
func get(t *testing.T, server *httptest.Server, method, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: localhost", "Connection: close"}, headers...)
	fmt.Fprintf(connection, "%s\r\n\r\n", strings.Join(lines, "\r\n"))
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestPages(t *testing.T) {
	t.Parallel()
	server := newServer(t, newSite(t))
	tests := []struct {
		target, kind, body string
	}{
		{"/", "text/html; charset=utf-8", "<h1>first</h1>"},
		{"/index.html", "text/html; charset=utf-8", "<h1>first</h1>"},
		{"/?x=1", "text/html; charset=utf-8", "<h1>first</h1>"},
		{"/about", "text/html; charset=utf-8", "<h1>about</h1>"},
		{"/about.html", "text/html; charset=utf-8", "<h1>about</h1>"},
		{"/%61bout", "text/html; charset=utf-8", "<h1>about</h1>"},
		{"/inside.html", "text/html; charset=utf-8", "<h1>about</h1>"},
		{"/chat", "application/octet-stream", "plain"},
		{"/chat.js", "text/javascript; charset=utf-8", "let a;"},
		{"/chat.css", "text/css; charset=utf-8", "a {}"},
		{"/icon.svg", "image/svg+xml", "<svg/>"},
		{"/agentforge.json", "application/json", "{}"},
		{"/files/ada.so", "application/octet-stream", "0123456789"},
		{"/files/", "text/html; charset=utf-8", "<h1>files</h1>"},
	}
	for _, test := range tests {
		t.Run(test.target, func(t *testing.T) {
			t.Parallel()
			got, body := get(t, server, "GET", test.target)
			if got.StatusCode != 200 || body != test.body || got.Header.Get("Content-Type") != test.kind {
				t.Errorf("%d %s %q", got.StatusCode, got.Header.Get("Content-Type"), body)
			}
			if got.Header.Get("X-Everywhere") != "yes" || got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Last-Modified") != "" {
				t.Errorf("headers %v", got.Header)
			}
			head, none := get(t, server, "HEAD", test.target)
			if none != "" || head.StatusCode != 200 || head.ContentLength != int64(len(body)) || head.Header.Get("Etag") != got.Header.Get("Etag") {
				t.Errorf("HEAD: %d %q %v", head.StatusCode, none, head.Header)
			}
		})
	}
}

func TestNotServed(t *testing.T) {
	t.Parallel()
	server := newServer(t, newSite(t))
	for _, target := range []string{
		"/nothing", "/../outside.html", "/%2e%2e/outside.html", "/%2E%2E%2Foutside.html", "/..%2foutside.html", "/files/../../outside.html",
		"/files/%2e%2e/%2e%2e/outside.html", "/./about.html", "//outside.html", "//etc/passwd", "/files//ada.so", "/files%2fada.so", "/files%2Fada.so",
		"/..%5coutside.html", "/%5c..%5coutside.html", `/..\outside.html`, "/%252e%252e/outside.html", "/index.html%00", "/index.html%00.js",
		"/.env", "/%2eenv", "/.git/config", "/files/.hidden", "/files/.hidden.html", "/_headers", "/_redirects", "/_HEADERS", "/%5fheaders", "/_headers.",
		"/_headers%20", "/index.html::$DATA", "/index.html.", "/INDEX~1.HTM", "/out.html", "/out", "/absolute.html", "/absolute", "/siblings/secret.txt", "/siblings",
		"/empty", "/empty/", "/files", "/a.dir", "/a.dir.html", "/about.html/", "/about/", "/about.html/x",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			got, body := get(t, server, "GET", target)
			if got.StatusCode != 404 || strings.Contains(body, secret) || !strings.Contains(body, "no such page") {
				t.Errorf("%d %q", got.StatusCode, body)
			}
			if got.Header.Get("X-Everywhere") != "yes" || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("headers %v", got.Header)
			}
		})
	}
}

// Names that other systems interpret are public on none.
func TestIsPublic(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"index.html": true, "files/ada.so": true, "a..b": true, "_headers2": true, "my_headers": true,
		"": false, "/a": false, "a//b": false, "../a": false, "a/..": false, "a/./b": false, ".env": false, "a/.b": false,
		"_headers": false, "_HEADERS": false, "_Headers.txt": false, "_redirects": false, "_REDIRECTS": false,
		`a\b`: false, "a:b": false, "ENV~1": false, "a\x00": false, "a.": false, "a ": false, "a./b": false,
	} {
		if isPublic(name) != want {
			t.Errorf("%q: public is %v", name, !want)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	server := newServer(t, newSite(t))
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
		for _, target := range []string{"/", "/nothing"} {
			if got, _ := get(t, server, method, target); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, target, got.StatusCode, got.Header.Get("Allow"))
			}
		}
	}
	if got, body := get(t, server, "HEAD", "/nothing"); got.StatusCode != 404 || body != "" {
		t.Errorf("HEAD of nothing: %d %q", got.StatusCode, body)
	}
}
