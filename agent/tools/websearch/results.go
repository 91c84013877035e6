package websearch

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/untrusted"
)

const (
	maxTitle   = 200
	maxURL     = 1000
	maxSnippet = 1000
)

type result struct{ title, url, snippet string }

// results returns the pages in an answer that the settings allow, each once and at most
// as many as they ask for.
func (s *searcher) results(body []byte) ([]result, error) {
	var said any
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, fmt.Errorf("%s answered with something that is not JSON", s.provider.Label)
	}
	if _, isObject := said.(map[string]any); !isObject {
		return nil, fmt.Errorf("%s answered without results", s.provider.Label)
	}
	// A service that found nothing may leave the list out.
	list, _ := at(said, s.provider.Results).([]any)
	var found []result
	for _, entry := range list {
		if len(found) == s.settings.Count {
			break
		}
		fields, _ := entry.(map[string]any)
		page := pageOf(fields["url"])
		if page == nil || !s.wants(page) {
			continue
		}
		each := result{shortened(textOf(fields["title"]), maxTitle), page.String(), shortened(textOf(fields[s.provider.Snippet]), maxSnippet)}
		if len(each.url) <= maxURL && !slices.ContainsFunc(found, func(other result) bool { return other.url == each.url }) {
			found = append(found, each)
		}
	}
	return found, nil
}

// at returns the value at a path of names; nil if there is none.
func at(value any, path []string) any {
	for _, name := range path {
		fields, _ := value.(map[string]any)
		value = fields[name]
	}
	return value
}

// pageOf returns the address of a page, or nil for what is none.
func pageOf(value any) *url.URL {
	text, _ := value.(string)
	page, err := url.Parse(untrusted.Clean(strings.TrimSpace(text)))
	if err != nil || page.Hostname() == "" || page.User != nil || page.Scheme != "http" && page.Scheme != "https" {
		return nil
	}
	return page
}

// wants reports whether the settings allow a page; they name hosts in ASCII.
func (s *searcher) wants(page *url.URL) bool {
	host, err := outbound.Host(page)
	if err != nil {
		return false
	}
	covers := func(entry string) bool { return host == entry || strings.HasSuffix(host, "."+entry) }
	if slices.ContainsFunc(s.settings.Excluded, covers) {
		return false
	}
	return len(s.settings.Allowed) == 0 || slices.ContainsFunc(s.settings.Allowed, covers)
}

// textOf returns text on one line: services escape it for pages.
func textOf(value any) string {
	text, _ := value.(string)
	return strings.Join(strings.Fields(untrusted.Clean(html.UnescapeString(text))), " ")
}

func shortened(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
