// Package fileserver serves the files in a site's directory, with the headers
// that its _headers file sets.
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
	// A client that takes longer for one file is considered gone.
	writeTimeout = 30 * time.Minute
)

// Server serves a directory. It opens the directory for each request, so renaming
// a symbolic link over the path replaces the site at once, and no response mixes
// two versions.
type Server struct {
	dir   string
	etags etagCache
}

// Open returns a server for a directory, which must have an index.html and valid
// headers.
func Open(dir string) (*Server, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the site's directory: %w", err)
	}
	defer root.Close()
	if _, err := regularFile(root, indexFile); err != nil {
		return nil, fmt.Errorf("%s has no %s and is not a site", dir, indexFile)
	}
	if _, err := readHeaders(root); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &Server{dir: dir}, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		header.Set("Retry-After", "1")
		writePage(w, r, http.StatusServiceUnavailable, "This site is not available at the moment. Try again.")
		return
	}
	defer root.Close()
	headers, err := readHeaders(root)
	if err != nil {
		// Without its headers a page would lack protection.
		writePage(w, r, http.StatusInternalServerError, "The headers of this site cannot be read.")
		return
	}
	headers.apply(header, r.URL.Path)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		writePage(w, r, http.StatusMethodNotAllowed, "This page can only be read.")
		return
	}
	s.serve(w, r, root)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, root *os.Root) {
	name, ok := lookup(root, r.URL.EscapedPath(), r.URL.Path)
	if !ok {
		writePage(w, r, http.StatusNotFound, "There is no such page.")
		return
	}
	file, err := root.Open(name)
	if err != nil {
		writePage(w, r, http.StatusNotFound, "There is no such page.")
		return
	}
	defer file.Close()
	etag, err := s.etags.of(file)
	if err != nil {
		writePage(w, r, http.StatusInternalServerError, "This page cannot be read.")
		return
	}
	header := w.Header()
	header.Set("Etag", etag)
	header.Set("Content-Type", contentType(name))
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "public, max-age=0, must-revalidate")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	// No modification time: it is the same in every version of a site.
	http.ServeContent(w, r, name, time.Time{}, file)
}

// lookup returns the file of a URL path: a directory's is its index.html, and
// that of /x is x.html if there is no x.
func lookup(root *os.Root, escaped, decoded string) (string, bool) {
	// An encoded slash does not separate path segments.
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
	for _, candidate := range []string{name, name + ".html"} {
		if file, err := regularFile(root, candidate); err == nil {
			return file, true
		}
	}
	return "", false
}

// isPublic reports whether a file name may be served. It also refuses what other
// systems interpret: a colon starts a stream on Windows, a tilde a short name,
// and a backslash separates directories.
func isPublic(name string) bool {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\:~\x00") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
			return false
		}
	}
	// Some file systems ignore case.
	first, _, _ := strings.Cut(name, ".")
	return !strings.EqualFold(first, headersFile) && !strings.EqualFold(first, redirectsFile)
}

var errNotRegular = errors.New("not a regular file")

// regularFile returns name, or an error if it is no regular file: opening a pipe
// would wait for its writer.
func regularFile(root *os.Root, name string) (string, error) {
	info, err := root.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errNotRegular
	}
	return name, nil
}

// writePage answers with a page that contains one sentence.
func writePage(w http.ResponseWriter, r *http.Request, status int, text string) {
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
<meta name="color-scheme" content="light dark"><title>%[1]s</title><p>%[1]s</p><p><a href="/">Go to the start page</a></p></html>
`

// contentTypes replaces the system's table, which differs between machines.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".gif": "image/gif", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8", ".json": "application/json",
	".mjs": "text/javascript; charset=utf-8", ".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff2": "font/woff2",
}

func contentType(name string) string {
	if contentType, ok := contentTypes[strings.ToLower(path.Ext(name))]; ok {
		return contentType
	}
	return "application/octet-stream"
}
