package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// The files with the settings of a Netlify site.
const (
	headersFile   = "_headers"
	redirectsFile = "_redirects"
)

// headerRule sets headers of the responses for some paths.
type headerRule struct {
	pattern string
	header  http.Header
}

type headerRules []headerRule

// readHeaders reads a site's _headers, if it has one.
func readHeaders(root *os.Root) (headerRules, error) {
	text, err := root.ReadFile(headersFile)
	if errors.Is(err, fs.ErrNotExist) {
		return headerRules{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseHeaders(string(text))
}

// parseHeaders reads Netlify's format: a line with a path pattern, then indented
// lines with one header each. Any other line is an error, since a missing header
// can leave a page unprotected.
func parseHeaders(text string) (headerRules, error) {
	var rules headerRules
	number := 0
	for line := range strings.Lines(text) {
		number++
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case strings.HasPrefix(line, "/"):
			rules = append(rules, headerRule{trimmed, http.Header{}})
		case len(rules) > 0 && strings.TrimLeft(line, " \t") != line:
			name, value, isHeader := strings.Cut(trimmed, ":")
			if !isHeader || !isToken(name) || strings.ContainsFunc(value, isControl) {
				return nil, fmt.Errorf("line %d of %s is not a header", number, headersFile)
			}
			rules[len(rules)-1].header.Add(name, strings.TrimSpace(value))
		default:
			return nil, fmt.Errorf("line %d of %s is neither a path nor an indented header", number, headersFile)
		}
	}
	return rules, nil
}

// apply sets the headers of all matching rules; later rules override earlier ones.
func (rules headerRules) apply(header http.Header, path string) {
	for _, rule := range rules {
		if !rule.matches(path) {
			continue
		}
		for name, values := range rule.header {
			header.Set(name, strings.Join(values, ", "))
		}
	}
}

// matches compares a path with the pattern, in which a * at the end stands for any
// text.
func (r headerRule) matches(path string) bool {
	if prefix, ok := strings.CutSuffix(r.pattern, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return path == r.pattern
}

// isToken reports whether text can be the name of a header.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
