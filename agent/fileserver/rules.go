package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// The files that Netlify reads a site's rules from.
const (
	rulesFile     = "_headers"
	redirectsFile = "_redirects"
)

// rule says which headers the answers to some paths carry.
type rule struct {
	pattern string
	header  http.Header
}

type rules []rule

// readRules reads a site's _headers, which it need not have.
func readRules(root *os.Root) (rules, error) {
	text, err := root.ReadFile(rulesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseRules(string(text))
}

// parseRules reads the format of Netlify: a pattern in a line of its own, then
// indented lines with one header each. A line that it does not understand is
// an error, since a header that is left out can be one that protects.
func parseRules(text string) (rules, error) {
	var found rules
	number := 0
	for line := range strings.Lines(text) {
		number++
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case strings.HasPrefix(line, "/"):
			found = append(found, rule{trimmed, http.Header{}})
		case len(found) > 0 && strings.TrimLeft(line, " \t") != line:
			name, value, isHeader := strings.Cut(trimmed, ":")
			if !isHeader || !isToken(name) || strings.ContainsFunc(value, isControl) {
				return nil, fmt.Errorf("line %d of %s is no header", number, rulesFile)
			}
			found[len(found)-1].header.Add(name, strings.TrimSpace(value))
		default:
			return nil, fmt.Errorf("line %d of %s is neither a path nor a header of one", number, rulesFile)
		}
	}
	return found, nil
}

// apply sets the headers of each rule that fits; of two, the later one counts.
func (all rules) apply(header http.Header, path string) {
	for _, each := range all {
		if !each.fits(path) {
			continue
		}
		for name, values := range each.header {
			header.Set(name, strings.Join(values, ", "))
		}
	}
}

// fits compares a path with a pattern: exact, or with anything in place of the
// `*` at its end.
func (r rule) fits(path string) bool {
	if start, open := strings.CutSuffix(r.pattern, "*"); open {
		return strings.HasPrefix(path, start)
	}
	return path == r.pattern
}

// isToken tells whether text can be the name of a header.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
