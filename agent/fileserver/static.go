// Package fileserver serves the files of a site's directory, by the rules that its
// _headers file gives.
package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

const (
	indexFile = "index.html"
	// A reader that takes longer for one file is gone.
	writeTimeout = 30 * time.Minute
)

// Site is a directory that is served. It is opened anew for each request: a
// directory that takes its place, by a link that is renamed over it, shows at
// once, and what an answer began with it ends with.
type Site struct {
	dir  string
	tags tags
}

// Open returns the site in a directory, which must have a first page.
func Open(dir string) (*Site, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the site's directory can't be opened: %w", err)
	}
	defer root.Close()
	if _, err := find(root, indexFile); err != nil {
		return nil, fmt.Errorf("%s has no %s, so it is no site", dir, indexFile)
	}
	if _, err := readRules(root); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &Site{dir: dir}, nil
}

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		header.Set("Retry-After", "1")
		say(w, r, http.StatusServiceUnavailable, "This site is not there at the moment. Try again.")
		return
	}
	defer root.Close()
	rules, err := readRules(root)
	if err != nil {
		// Without its rules a page would lack what protects it.
		say(w, r, http.StatusInternalServerError, "The rules of this site can't be read.")
		return
	}
	rules.apply(header, r.URL.Path)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		say(w, r, http.StatusMethodNotAllowed, "This address can only be read.")
		return
	}
	s.serve(w, r, root)
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request, root *os.Root) {
	name, ok := lookup(root, r.URL.EscapedPath(), r.URL.Path)
	if !ok {
		say(w, r, http.StatusNotFound, "There is no such page here.")
		return
	}
	file, err := root.Open(name)
	if err != nil {
		say(w, r, http.StatusNotFound, "There is no such page here.")
		return
	}
	defer file.Close()
	tag, err := s.tags.of(file)
	if err != nil {
		say(w, r, http.StatusInternalServerError, "This page can't be read.")
		return
	}
	header := w.Header()
	header.Set("Etag", tag)
	header.Set("Content-Type", contentType(name))
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "public, max-age=0, must-revalidate")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	// The files' dates say nothing: a site has the same ones always.
	http.ServeContent(w, r, name, time.Time{}, file)
}

// lookup returns the file that a path stands for: `/` is the first page, and
// `/x` is x.html where there is no x.
func lookup(root *os.Root, escaped, decoded string) (string, bool) {
	// An encoded slash is no slash of the address, whatever decoding makes of it.
	if strings.Contains(strings.ToLower(escaped), "%2f") {
		return "", false
	}
	name := strings.TrimPrefix(decoded, "/")
	if name == "" || strings.HasSuffix(name, "/") {
		name += indexFile
	}
	if !isPublic(name) {
		return "", false
	}
	for _, each := range []string{name, name + ".html"} {
		if found, err := find(root, each); err == nil {
			return found, true
		}
	}
	return "", false
}

// isPublic tells whether a name may be served at all. Other systems read more
// into a name than its letters: a stream behind a colon, a short form with a
// tilde, a backslash as a slash.
func isPublic(name string) bool {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\:~\x00") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
			return false
		}
	}
	// Some file systems take either case.
	first, _, _ := strings.Cut(name, ".")
	return !strings.EqualFold(first, rulesFile) && !strings.EqualFold(first, redirectsFile)
}

var errNoFile = errors.New("not a file")

// find makes sure that a name is that of a plain file: to open a pipe would
// wait for its writer.
func find(root *os.Root, name string) (string, error) {
	info, err := root.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errNoFile
	}
	return name, nil
}

// say answers with a page of one sentence.
func say(w http.ResponseWriter, r *http.Request, status int, text string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, page, text)
	}
}

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>%[1]s</title><p>%[1]s</p><p><a href="/">To the first page</a></p></html>
`

// Not the system's table, which differs from machine to machine.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".gif": "image/gif", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8", ".json": "application/json",
	".mjs": "text/javascript; charset=utf-8", ".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff2": "font/woff2",
}

func contentType(name string) string {
	if known, ok := types[strings.ToLower(path.Ext(name))]; ok {
		return known
	}
	return "application/octet-stream"
}
