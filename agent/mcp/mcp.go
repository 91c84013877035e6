// Package mcp serves an agent to clients of the Model Context Protocol as one tool that
// asks it, in the versions with a handshake (until 2025-11-25) and without one
// (2026-07-28), over HTTP and over standard input and output.
// Protocol: https://modelcontextprotocol.io/specification
package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"agent.local/a0000000000000000/mcpspec"
	"agent.local/a0000000000000000/protocol"
)

// Clients may keep what describes the agent for an hour: it changes with a build only.
const cacheMS = 60 * 60 * 1000

// Server answers the requests of any number of clients.
type Server struct {
	agent    protocol.Agent
	manifest protocol.Manifest
	options  Options
	*Sessions
}

// Sessions knows what is in progress between clients and servers: requests of clients that
// may be cancelled, and requests to clients that wait for their responses.
type Sessions struct {
	running *running
	asked   *questions
}

// NewSessions returns sessions in which nothing is in progress.
func NewSessions() *Sessions { return &Sessions{running: newRunning(), asked: newQuestions()} }

// Options say how the server is reached.
type Options struct {
	// Stateless is set where a process may end or freeze after each response, and the next
	// message of a session may reach another one.
	Stateless bool
	// Sessions are those of a server before this one; nil for new ones.
	Sessions *Sessions
}

// New returns a server of the agent.
func New(agent protocol.Agent, manifest protocol.Manifest, options Options) *Server {
	return &Server{agent: agent, manifest: manifest, options: options, Sessions: cmp.Or(options.Sessions, NewSessions())}
}

// peer is the client that sent a request.
type peer struct {
	// notify sends a notification that belongs to the request.
	notify func(method string, params any) error
	// ask sends a request and returns the client's result; nil if the client takes none.
	ask func(ctx context.Context, method string, params any) (json.RawMessage, error)
}

// answer returns the result of a request, or why there is none.
func (s *Server) answer(ctx context.Context, r request, from peer) (any, *failure) {
	if r.isModern() {
		if err := r.checkModern(); err != nil {
			return nil, err
		}
		return s.answerModern(ctx, r, from)
	}
	switch r.Method {
	case "initialize":
		return s.initialize(r), nil
	case "ping":
		return struct{}{}, nil
	case "tools/list":
		return s.list(r)
	case "tools/call":
		return s.call(ctx, r, from)
	}
	return nil, noMethod(r.Method)
}

func (s *Server) answerModern(ctx context.Context, r request, from peer) (any, *failure) {
	var result map[string]any
	var err *failure
	switch r.Method {
	case "server/discover":
		result = map[string]any{
			"supportedVersions": append([]string{mcpspec.Modern}, mcpspec.Legacy...), "capabilities": capabilities(), "instructions": s.manifest.Description,
			"_meta": map[string]any{mcpspec.MetaServerInfo: s.info()}, "ttlMs": cacheMS, "cacheScope": "public",
		}
	case "tools/list":
		if result, err = s.list(r); err == nil {
			result["ttlMs"], result["cacheScope"] = cacheMS, "public"
		}
	case "tools/call":
		result, err = s.call(ctx, r, from)
	default:
		err = noMethod(r.Method)
	}
	if err != nil {
		return nil, err
	}
	if result["resultType"] == nil {
		result["resultType"] = "complete"
	}
	return result, nil
}

func noMethod(name string) *failure {
	return &failure{Code: mcpspec.CodeNoMethod, Message: "this server has no method " + name}
}

// initialize agrees on the client's version, or the newest one with a handshake.
func (s *Server) initialize(r request) map[string]any {
	version := r.Params.ProtocolVersion
	if !slices.Contains(mcpspec.Legacy, version) {
		version = mcpspec.Legacy[0]
	}
	return map[string]any{
		"protocolVersion": version, "capabilities": capabilities(), "serverInfo": s.info(), "instructions": s.manifest.Description,
	}
}

func capabilities() map[string]any { return map[string]any{"tools": struct{}{}} }

func (s *Server) info() map[string]any {
	return map[string]any{"name": s.manifest.Handle, "title": s.manifest.Name, "version": s.manifest.Version}
}

func (s *Server) list(r request) (map[string]any, *failure) {
	if r.Params.Cursor != nil {
		return nil, &failure{Code: mcpspec.CodeInvalidParams, Message: "the list has one page: omit the cursor"}
	}
	return map[string]any{"tools": []any{s.tool()}}, nil
}

// progressToken returns the token under which a client wants to hear of progress.
func (r request) progressToken() json.RawMessage {
	token := r.Params.Meta["progressToken"]
	if token == nil || !validID(token) {
		return nil
	}
	return token
}
