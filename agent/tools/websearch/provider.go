package websearch

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"agent.local/a0000000000000000/outbound"
)

// Characters of a reason that a service gives.
const maxReason = 300

// The forge reads the same table (configs/tools/search_providers.py).
//
//go:embed providers.json
var table []byte

// provider is how a search service is asked, and where its answer has what. A GET
// request has its fields in the query, a POST request in a JSON object. A service
// without fields for hosts is given them as operators of the query.
type provider struct {
	Label    string            `json:"label"`
	Address  string            `json:"address"`
	Path     string            `json:"path"`
	Method   string            `json:"method"`
	Auth     *outbound.Auth    `json:"auth"`
	Query    string            `json:"query"`
	Limits   limits            `json:"limits"`
	Count    string            `json:"count"`
	Allowed  string            `json:"allowed"`
	Excluded string            `json:"excluded"`
	Always   map[string]string `json:"always"`
	Results  []string          `json:"results"`
	Snippet  string            `json:"snippet"`
	// Reason is where a refusal has its words, Forbidden what 403 means if not the key.
	Reason    []string `json:"reason"`
	Forbidden string   `json:"forbidden"`
}

// limits are the most characters and words of a query that a service takes, and the most
// results that it returns.
type limits struct {
	Characters int `json:"characters"`
	Words      int `json:"words"`
	Results    int `json:"results"`
}

func providerOf(code string) (provider, error) {
	var all map[string]provider
	if err := json.Unmarshal(table, &all); err != nil {
		return provider{}, err
	}
	p, known := all[code]
	if !known {
		return provider{}, fmt.Errorf("%q is not a search service", code)
	}
	return p, nil
}

// request builds the request of a search; an error is in words for the model.
func (s *searcher) request(ctx context.Context, query string) (*http.Request, error) {
	words := strings.Fields(query)
	if len(words) == 0 {
		return nil, errors.New("the query is empty")
	}
	p := s.provider
	if p.Allowed == "" && len(s.settings.Allowed) > 0 {
		words = append(words, strings.Fields("site:"+strings.Join(s.settings.Allowed, " OR site:"))...)
	}
	query = strings.Join(words, " ")
	if utf8.RuneCountInString(query) > p.Limits.Characters || len(words) > p.Limits.Words {
		return nil, errors.New("the query is too long; search for a few words")
	}
	fields := map[string]any{p.Query: query}
	for name, value := range p.Always {
		fields[name] = value
	}
	if p.Count != "" {
		fields[p.Count] = s.asked()
	}
	for name, hosts := range map[string][]string{p.Allowed: s.settings.Allowed, p.Excluded: s.settings.Excluded} {
		if name != "" && len(hosts) > 0 {
			fields[name] = hosts
		}
	}
	return p.build(ctx, s.service.Base, fields)
}

// asked is the number of results to ask for: more where some of them will be left out.
func (s *searcher) asked() int {
	if len(s.settings.Excluded) > 0 {
		return s.provider.Limits.Results
	}
	return s.settings.Count
}

func (p provider) build(ctx context.Context, base *url.URL, fields map[string]any) (*http.Request, error) {
	address := *base
	address.Path, address.RawPath = strings.TrimSuffix(base.Path, "/")+p.Path, ""
	var body bytes.Buffer
	if p.Method == http.MethodPost {
		if err := json.NewEncoder(&body).Encode(fields); err != nil {
			return nil, err
		}
	} else {
		query := base.Query()
		for name, value := range fields {
			query.Set(name, fmt.Sprint(value))
		}
		address.RawQuery = query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, p.Method, address.String(), &body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if p.Method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// refusal says, in words for the model, why a service did not search.
func (p provider) refusal(status int, body []byte) error {
	answered := fmt.Sprintf("%s answered %d %s", p.Label, status, http.StatusText(status))
	answered = strings.TrimSpace(answered)
	switch {
	case status >= 300 && status < 400:
		return fmt.Errorf("%s: it redirects to another address, which is not followed", answered)
	case status == http.StatusForbidden && p.Forbidden != "":
		return fmt.Errorf("%s: %s", answered, p.Forbidden)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		answered += ": it refuses the agent's key; tell the user"
	case status == http.StatusTooManyRequests, status == 432, status == 433:
		answered += ": no more searches now; answer without them or tell the user"
	}
	if reason := p.reason(body); reason != "" {
		return fmt.Errorf("%s (%s)", answered, reason)
	}
	return errors.New(answered)
}

func (p provider) reason(body []byte) string {
	if len(p.Reason) == 0 {
		return ""
	}
	var said any
	_ = json.Unmarshal(body, &said)
	text, _ := at(said, p.Reason).(string)
	return shortened(text, maxReason)
}
