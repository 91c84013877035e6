// Package api gives an agent operations of HTTP APIs as tools, which its owner chose
// from their OpenAPI documents.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/untrusted"
)

const (
	maxBody  = 4 << 20
	callTime = 30 * time.Second
)

var methodName = regexp.MustCompile(`^[A-Z]{1,10}$`)

func init() {
	tools.Register(tools.Tool{Name: "api", Functions: functions})
}

// settings are those of agent.json.
type settings struct {
	Services []service `json:"services"`
}

type service struct {
	Name       string         `json:"name"`
	URL        string         `json:"url"`
	Auth       *outbound.Auth `json:"auth"`
	Operations []operation    `json:"operations"`
}

// operation is a function, and how its arguments become a request. Reads is the owner's
// word that it changes nothing. Body is "json", "form", or empty if there is none.
type operation struct {
	Function    string          `json:"function"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Method      string          `json:"method"`
	Path        string          `json:"path"`
	Parameters  []parameter     `json:"parameters"`
	Body        string          `json:"body"`
	Reads       bool            `json:"reads"`
}

func functions(given json.RawMessage, getenv func(string) string) ([]tools.Tool, error) {
	var s settings
	if given != nil {
		if err := json.Unmarshal(given, &s); err != nil {
			return nil, err
		}
	}
	var all []tools.Tool
	for _, each := range s.Services {
		to, err := outbound.NewService("api", each.Name, each.URL, each.Auth, getenv)
		if err != nil {
			return nil, err
		}
		for _, o := range each.Operations {
			function, err := o.tool(to)
			if err != nil || !outbound.FunctionName.MatchString(o.Function) || !methodName.MatchString(o.Method) {
				return nil, fmt.Errorf("the operation %q of %s is not readable", o.Function, each.Name)
			}
			all = append(all, function)
		}
	}
	return all, nil
}

func (o operation) tool(to *outbound.Service) (tools.Tool, error) {
	schema, err := untrusted.CleanJSON(o.Schema)
	may := tools.Reads | tools.Reaches
	if !o.Reads {
		may |= tools.Writes
	}
	return tools.Tool{
		Name: o.Function, Set: "api", Description: untrusted.Clean(o.Description), Schema: schema,
		May: may, Untrusted: true, Host: to.Base.Hostname(), Unavailable: to.Missing(),
		Run: func(ctx context.Context, arguments json.RawMessage) (string, error) { return o.run(ctx, to, arguments) },
	}, err
}

func (o operation) run(ctx context.Context, to *outbound.Service, arguments json.RawMessage) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTime, fmt.Errorf("the service did not answer within %v", callTime))
	defer cancel()
	request, err := o.request(ctx, to.Base, arguments)
	if err != nil {
		return "", err
	}
	response, err := to.Do(request)
	if err == nil {
		defer response.Body.Close()
		var text string
		if text, err = textOf(response); err == nil {
			return to.Conceal(text), nil
		}
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return "", errors.New(to.Conceal(err.Error()))
}

// textOf returns the answer of a service; one that is not a success is an error.
func textOf(response *http.Response) (string, error) {
	status := fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode))
	if response.StatusCode/100 == 3 {
		return "", fmt.Errorf("the service answered %s: it redirects to another address, which is not followed", status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return "", err
	}
	if len(body) > maxBody {
		return "", fmt.Errorf("the answer is larger than %d MB; ask for less", maxBody>>20)
	}
	text := strings.TrimSpace(string(body))
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if !utf8.ValidString(text) {
		text = fmt.Sprintf("[%d bytes of the type %s, not shown]", len(body), mediaType)
	}
	if response.StatusCode/100 != 2 {
		return "", fmt.Errorf("the service answered %s\n%s", status, text)
	}
	if text == "" {
		return status, nil
	}
	return text, nil
}
