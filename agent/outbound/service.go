package outbound

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// KeyEnvPrefix begins the variables with the keys of services.
const KeyEnvPrefix = "AGENT_KEY_"

// What is shorter occurs in other words.
const shortestSecret = 4

// ServiceName is how a service is named in agent.json, FunctionName how one of its
// functions is: as providers take it.
var (
	ServiceName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,23}$`)
	FunctionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

// Auth is how requests to a service carry its key: as bearer, in a header, in the query,
// or as "user:password" (basic).
type Auth struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
}

// Service makes requests to the one address that the agent's owner chose. Redirects are
// returned, not followed.
type Service struct {
	Base   *url.URL
	client *Client
	auth   *Auth
	keyEnv string
	key    string
	// secrets replaces the key, in each form that a service may repeat.
	secrets *strings.Replacer
}

// NewService returns the service of a tool at an address; without auth, it takes no key.
func NewService(tool, name, address string, auth *Auth, getenv func(string) string) (*Service, error) {
	u, err := url.Parse(address)
	if err != nil || !ServiceName.MatchString(name) {
		return nil, fmt.Errorf("%q is not the name of a service, or its address is not a URL", name)
	}
	client, err := newClient([]string{strings.ToLower(u.Host)}, getenv, 0)
	if err != nil {
		return nil, err
	}
	client.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &Service{client: client, auth: auth, keyEnv: KeyEnvPrefix + strings.ToUpper(tool+"_"+name)}
	if s.Base, err = client.Check(address); err != nil {
		return nil, err
	}
	if auth != nil {
		s.key = strings.TrimSpace(getenv(s.keyEnv))
		s.secrets = concealing(s.key, auth.Kind)
	}
	return s, nil
}

// Reason returns why a request failed: the end of its context, if that is why.
func Reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// At returns another address of the service's host, for which the key is as well.
func (s *Service) At(address string) (*url.URL, error) {
	u, err := s.client.Check(address)
	if err != nil || u.Scheme != s.Base.Scheme || u.Host != s.Base.Host {
		return nil, fmt.Errorf("the address %q is not at %s://%s", address, s.Base.Scheme, s.Base.Host)
	}
	return u, nil
}

// Missing says, in words for the model, that the key is not there; empty if nothing is missing.
func (s *Service) Missing() string {
	if s.auth == nil || s.key != "" {
		return ""
	}
	return fmt.Sprintf("this can't be used here: the agent has no key for it (%s); tell the user", s.keyEnv)
}

// Do makes a request with the key. The error has no address, which may hold the key.
func (s *Service) Do(request *http.Request) (*http.Response, error) {
	request.Header.Set("User-Agent", UserAgent)
	if s.auth != nil {
		s.authorize(request)
	}
	response, err := s.client.client.Do(request)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return response, err
}

func (s *Service) authorize(request *http.Request) {
	switch s.auth.Kind {
	case "basic":
		request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.key)))
	case "header":
		request.Header.Set(s.auth.Name, s.key)
	case "query":
		pair := url.QueryEscape(s.auth.Name) + "=" + url.QueryEscape(s.key)
		request.URL.RawQuery = strings.TrimPrefix(request.URL.RawQuery+"&"+pair, "&")
	default:
		request.Header.Set("Authorization", "Bearer "+s.key)
	}
}

// Conceal removes the key from what a service answered.
func (s *Service) Conceal(text string) string {
	if s.secrets == nil {
		return text
	}
	return s.secrets.Replace(text)
}

func concealing(key, kind string) *strings.Replacer {
	secrets := []string{key, base64.StdEncoding.EncodeToString([]byte(key)), url.QueryEscape(key)}
	if _, password, found := strings.Cut(key, ":"); found && kind == "basic" {
		secrets = append(secrets, password, url.QueryEscape(password))
	}
	var pairs []string
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			pairs = append(pairs, secret, "[key removed]")
		}
	}
	return strings.NewReplacer(pairs...)
}
