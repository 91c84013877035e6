// Package fetch is the tool that reads web pages of the hosts that the agent's owner
// listed.
package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
)

const (
	maxBody = 4 << 20
	// Characters of one result; "from" reads on.
	maxText   = 12_000
	totalTime = 20 * time.Second
)

func init() {
	tools.Register(tools.Tool{
		Name:        "fetch",
		Description: "Read a web page, as text with its links. A long page is cut; use from to read on.",
		Schema: json.RawMessage(`{"type":"object","properties":{` +
			`"url":{"type":"string","description":"The page's full address, https://example.org/page."},` +
			`"from":{"type":"integer","minimum":0,"description":"The character to begin at; 0 when left out."}},` +
			`"required":["url"],"additionalProperties":false}`),
		May: tools.Reaches, Untrusted: true, URLs: urls, Configure: configure,
		Run: func(context.Context, json.RawMessage) (string, error) { return "", errNoHosts },
	})
}

var errNoHosts = errors.New("no host is listed that this agent may reach; tell the user")

// settings are those of agent.json.
type settings struct {
	Hosts []string `json:"hosts"`
	// IgnoreRobots reads pages that the host's robots.txt excludes.
	IgnoreRobots bool `json:"ignore_robots"`
}

type input struct {
	URL  string `json:"url"`
	From int    `json:"from"`
}

func urls(arguments json.RawMessage) []string {
	var in input
	_ = json.Unmarshal(arguments, &in)
	return []string{strings.TrimSpace(in.URL)}
}

func configure(tool tools.Tool, given json.RawMessage, getenv func(string) string) (tools.Tool, error) {
	var s settings
	if given != nil {
		if err := json.Unmarshal(given, &s); err != nil {
			return tool, err
		}
	}
	if len(s.Hosts) == 0 {
		tool.Unavailable = errNoHosts.Error()
		return tool, nil
	}
	client, err := outbound.New(s.Hosts, getenv)
	if err != nil {
		return tool, err
	}
	f := &fetcher{client: client, robots: newRobots(client, s.IgnoreRobots)}
	tool.Description += " Reachable hosts: " + strings.Join(s.Hosts, ", ") + "."
	tool.Run = func(ctx context.Context, arguments json.RawMessage) (string, error) {
		var in input
		if err := json.Unmarshal(arguments, &in); err != nil {
			return "", fmt.Errorf("bad arguments: %w", err)
		}
		return f.read(ctx, in)
	}
	return tool, nil
}

type fetcher struct {
	client *outbound.Client
	robots *robots
}

func (f *fetcher) read(ctx context.Context, in input) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, totalTime, fmt.Errorf("the page did not arrive within %v", totalTime))
	defer cancel()
	u, err := f.client.Check(in.URL)
	if err != nil {
		return "", err
	}
	if err := f.robots.check(ctx, u); err != nil {
		return "", err
	}
	response, err := f.client.Get(ctx, u, "text/html, text/plain;q=0.9, application/json;q=0.9, */*;q=0.1")
	if err != nil {
		return "", reasonOf(ctx, err)
	}
	defer response.Body.Close()
	if at := response.Request.URL; at.Host != u.Host {
		if err := f.robots.check(ctx, at); err != nil {
			return "", err
		}
	}
	text, err := textOf(response)
	if err != nil {
		return "", reasonOf(ctx, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the page answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	return excerpt(response.Request.URL, text, in.From), nil
}

func reasonOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// textOf reads the body within the limits.
func textOf(response *http.Response) (string, error) {
	mediaType, parameters, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if mediaType != "" && !strings.HasPrefix(mediaType, "text/") && !strings.HasSuffix(mediaType, "json") && !strings.HasSuffix(mediaType, "xml") {
		return "", fmt.Errorf("the page is %s, which is not text", mediaType)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return "", err
	}
	if len(body) > maxBody {
		return "", fmt.Errorf("the page is larger than %d MB", maxBody>>20)
	}
	text := decoded(body, parameters["charset"])
	if strings.Contains(mediaType, "html") || mediaType == "" && strings.Contains(text[:min(len(text), 500)], "<") {
		return readable(text, response.Request.URL), nil
	}
	return text, nil
}

// decoded returns the text of a body: Latin-1 where it is declared or the bytes are no
// UTF-8, since the others are rare.
func decoded(body []byte, charset string) string {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "windows-1252", "iso-8859-15":
	default:
		if utf8.Valid(body) {
			return strings.TrimPrefix(string(body), "\ufeff")
		}
	}
	runes := make([]rune, len(body))
	for i, b := range body {
		runes[i] = rune(b)
	}
	return string(runes)
}

// excerpt returns a part of the text, with what is needed to read on.
func excerpt(u *url.URL, text string, from int) string {
	runes := []rune(strings.TrimSpace(text))
	from = max(0, min(from, len(runes)))
	end := min(from+maxText, len(runes))
	part := u.String() + "\n\n" + string(runes[from:end])
	if end < len(runes) {
		part += fmt.Sprintf("\n\n(characters %d to %d of %d; read on with from: %d)", from, end, len(runes), end)
	}
	return part
}
