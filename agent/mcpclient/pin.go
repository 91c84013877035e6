package mcpclient

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/untrusted"
)

// The longest description that the model gets.
const maxDescription = 2000

// Pinned is a tool as the agent's owner chose it. Function is its name for the model;
// Reads is the owner's word that it only reads.
type Pinned struct {
	Name        string          `json:"name"`
	Function    string          `json:"function"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Reads       bool            `json:"reads,omitempty"`
}

// Digest identifies a tool by its name, description and schema.
func Digest(name, description string, schema json.RawMessage) string {
	var value any
	if json.Unmarshal(schema, &value) != nil {
		return ""
	}
	// Marshalling again sorts the names and drops the spaces.
	encoded, err := json.Marshal([]any{name, description, value})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// Server is a server with the tools that were chosen of it.
type Server struct {
	Name   string
	Client *Client
	Tools  []Pinned
	// Host is where calls go; empty for a program on this machine.
	Host string
	// Unavailable says why no call can run here.
	Unavailable string
	// Conceal removes the server's key from a text; nil if it has none.
	Conceal func(string) string
}

// Functions returns the tools of a server for an agent's set.
func (s Server) Functions(set string) ([]tools.Tool, error) {
	functions := make([]tools.Tool, 0, len(s.Tools))
	for _, pinned := range s.Tools {
		digest := Digest(pinned.Name, pinned.Description, pinned.Schema)
		schema, err := untrusted.CleanJSON(pinned.Schema)
		if !outbound.FunctionName.MatchString(pinned.Function) || digest == "" || err != nil {
			return nil, fmt.Errorf("the tool %q of %s is not readable", pinned.Name, s.Name)
		}
		may := tools.Reads | tools.Reaches
		if !pinned.Reads {
			may |= tools.Writes
		}
		functions = append(functions, tools.Tool{
			Name: pinned.Function, Set: set, Description: describe(pinned), Schema: schema,
			May: may, Untrusted: true, Host: s.Host, Unavailable: s.Unavailable,
			Run: func(ctx context.Context, arguments json.RawMessage) (string, error) {
				return s.run(ctx, pinned, digest, arguments)
			},
		})
	}
	return functions, nil
}

func describe(pinned Pinned) string {
	text := strings.TrimSpace(untrusted.Clean(pinned.Description))
	if text == "" {
		text = pinned.Name
	}
	return clip(text, maxDescription)
}

func (s Server) run(ctx context.Context, pinned Pinned, digest string, arguments json.RawMessage) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTime, fmt.Errorf("the server did not answer within %v", callTime))
	defer cancel()
	if err := s.verify(ctx, pinned, digest); err != nil {
		return "", s.concealed(err)
	}
	headers, err := callHeaders(pinned, arguments)
	if err != nil && s.Client.wantsHeaders() {
		return "", err
	}
	text, isError, err := s.Client.call(ctx, pinned.Name, arguments, headers)
	if err != nil {
		return "", s.concealed(err)
	}
	if s.Conceal != nil {
		text = s.Conceal(text)
	}
	if isError {
		return "", errors.New(text)
	}
	return text, nil
}

// verify returns a DisabledError if the tool is not what was chosen any more.
func (s Server) verify(ctx context.Context, pinned Pinned, digest string) error {
	listed, err := s.Client.list(ctx)
	if err != nil {
		return err
	}
	live, exists := listed[pinned.Name]
	if !exists {
		return disabled(pinned, s.Name, "the server does not offer it any more")
	}
	if Digest(live.Name, live.Description, live.InputSchema) == digest {
		return nil
	}
	if live.Description != pinned.Description {
		return disabled(pinned, s.Name, "its description changed since it was chosen")
	}
	return disabled(pinned, s.Name, "its arguments changed since it was chosen")
}

func disabled(pinned Pinned, server, reason string) error {
	return &tools.DisabledError{Reason: fmt.Sprintf(
		"the tool %s of the server %s is disabled: %s. Nothing was sent. Answer without it, and tell the user that "+
			"its owner has to test the server and choose the tool again", pinned.Name, server, reason)}
}

func (s Server) concealed(err error) error {
	var changed *tools.DisabledError
	if s.Conceal == nil || errors.As(err, &changed) {
		return err
	}
	return errors.New(s.Conceal(err.Error()))
}

// HTTPServer is a server at an address, as agent.json has it.
type HTTPServer struct {
	Name     string         `json:"name"`
	URL      string         `json:"url"`
	Protocol string         `json:"protocol,omitempty"`
	Auth     *outbound.Auth `json:"auth,omitempty"`
	Tools    []Pinned       `json:"tools"`
}

// Connect returns the server, which is asked when a tool is called.
func (h HTTPServer) Connect(getenv func(string) string) (Server, error) {
	service, err := outbound.NewService("mcp", h.Name, h.URL, h.Auth, getenv)
	if err != nil {
		return Server{}, err
	}
	return Server{
		Name: h.Name, Client: NewHTTP(service, h.Protocol), Tools: h.Tools, Host: service.Base.Hostname(),
		Unavailable: service.Missing(), Conceal: service.Conceal,
	}, nil
}
