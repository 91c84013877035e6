package fileserver

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A new directory is served at once, and no response mixes both.
func TestReplacedDirectory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs atomic renames of symbolic links")
	}
	base := t.TempDir()
	content := map[string]string{}
	for _, name := range []string{"one", "two"} {
		content[name] = strings.Repeat(name, 100_000)
		dir := writeFiles(t, map[string]string{"index.html": content[name], "_headers": "/*\n  X-Site: " + name + "\n"})
		if err := os.Rename(dir, filepath.Join(base, name)); err != nil {
			t.Fatal(err)
		}
	}
	current := filepath.Join(base, "current")
	swap := func(name string) {
		link(t, name, current+".new")
		if err := os.Rename(current+".new", current); err != nil {
			t.Fatal(err)
		}
	}
	swap("one")
	server := newServer(t, current)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, body := get(t, server, "GET", "/")
				if name := got.Header.Get("X-Site"); got.StatusCode != 200 || body != content[name] {
					t.Errorf("%d, %d bytes with the rules of %q", got.StatusCode, len(body), name)
				}
			}
		})
	}
	for i := range 50 {
		name := []string{"two", "one"}[i%2]
		swap(name)
		if got, _ := get(t, server, "HEAD", "/"); got.Header.Get("X-Site") != name {
			t.Errorf("after the swap to %s: %s", name, got.Header.Get("X-Site"))
		}
	}
	close(done)
	readers.Wait()
	if err := os.Remove(current); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, server, "GET", "/"); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("without a directory: %d", got.StatusCode)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, dir, want string }{
		{"missing", filepath.Join(t.TempDir(), "none"), "no such file"},
		{"a file", filepath.Join(newSite(t), "index.html"), "cannot open"},
		{"no index.html", writeFiles(t, map[string]string{"about.html": "x"}), "has no index.html"},
		{"a directory named index.html", writeFiles(t, map[string]string{"index.html/x": "x"}), "has no index.html"},
		{"invalid headers", writeFiles(t, map[string]string{"index.html": "x", "_headers": "nonsense"}), "line 1 of _headers"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Open(test.dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A page is never served without the headers that protect it.
func TestInvalidHeadersCloseTheSite(t *testing.T) {
	t.Parallel()
	dir := newSite(t)
	server := newServer(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "_headers"), []byte("/*\n  no header\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, body := get(t, server, "GET", "/"); got.StatusCode != 500 || strings.Contains(body, "<h1>first") {
		t.Errorf("%d %q", got.StatusCode, body)
	}
}
