// Package websearch is the tool that searches the web with the service that the agent's
// owner chose.
package websearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
)

const (
	name         = "web_search"
	maxBody      = 2 << 20
	totalTime    = 15 * time.Second
	usualResults = 5
	maxResults   = 10
)

func init() {
	tools.Register(tools.Tool{
		Name:        name,
		Description: "Search the web. Returns titles, addresses and snippets of pages, not the pages.",
		Schema: json.RawMessage(`{"type":"object","properties":{` +
			`"query":{"type":"string","description":"What to search for: a few words."}},` +
			`"required":["query"],"additionalProperties":false}`),
		May: tools.Reaches, Untrusted: true, Configure: configure,
		Run: func(context.Context, json.RawMessage) (string, error) { return "", errNoService },
	})
}

var errNoService = errors.New("no search service is chosen for this agent; tell the user")

// settings are those of agent.json. Without a URL, the service is at its own address.
type settings struct {
	Provider string   `json:"provider"`
	URL      string   `json:"url"`
	Count    int      `json:"count"`
	Allowed  []string `json:"allowed_hosts"`
	Excluded []string `json:"excluded_hosts"`
}

func configure(tool tools.Tool, given json.RawMessage, getenv func(string) string) (tools.Tool, error) {
	s := settings{Count: usualResults}
	if given != nil {
		if err := json.Unmarshal(given, &s); err != nil {
			return tool, err
		}
	}
	if s.Provider == "" {
		tool.Unavailable = errNoService.Error()
		return tool, nil
	}
	p, err := providerOf(s.Provider)
	if err != nil {
		return tool, err
	}
	if s.Count < 1 || s.Count > maxResults {
		return tool, fmt.Errorf("the count of results is 1 to %d", maxResults)
	}
	address := s.URL
	if address == "" {
		address = p.Address
	}
	service, err := outbound.NewService(name, s.Provider, address, p.Auth, getenv)
	if err != nil {
		return tool, err
	}
	tool.Host, tool.Unavailable = service.Base.Hostname(), service.Missing()
	if len(s.Allowed) > 0 {
		tool.Description += " It finds only pages of " + strings.Join(s.Allowed, ", ") + "."
	}
	search := &searcher{settings: s, provider: p, service: service}
	tool.Run = func(ctx context.Context, arguments json.RawMessage) (string, error) {
		var in struct {
			Query string `json:"query"`
		}
		if err := json.Unmarshal(arguments, &in); err != nil {
			return "", fmt.Errorf("bad arguments: %w", err)
		}
		text, err := search.run(ctx, in.Query)
		if err != nil {
			return "", errors.New(service.Conceal(err.Error()))
		}
		return service.Conceal(text), nil
	}
	return tool, nil
}

type searcher struct {
	settings settings
	provider provider
	service  *outbound.Service
}

func (s *searcher) run(ctx context.Context, query string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, totalTime, fmt.Errorf("%s did not answer within %v", s.provider.Label, totalTime))
	defer cancel()
	request, err := s.request(ctx, query)
	if err != nil {
		return "", err
	}
	response, err := s.service.Do(request)
	if err != nil {
		return "", outbound.Reason(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return "", outbound.Reason(ctx, err)
	}
	if len(body) > maxBody {
		return "", fmt.Errorf("the answer of %s is larger than %d MB", s.provider.Label, maxBody>>20)
	}
	// Before texts are shortened, which could leave a part of the key.
	body = []byte(s.service.Conceal(string(body)))
	if response.StatusCode != http.StatusOK {
		return "", s.provider.refusal(response.StatusCode, body)
	}
	found, err := s.results(body)
	if err != nil {
		return "", err
	}
	return listed(found), nil
}

// listed writes results for the model.
func listed(found []result) string {
	if len(found) == 0 {
		return "Nothing was found."
	}
	var text strings.Builder
	for i, each := range found {
		fmt.Fprintf(&text, "%d. %s\n%s\n%s\n\n", i+1, each.title, each.url, each.snippet)
	}
	return strings.TrimSpace(text.String())
}
