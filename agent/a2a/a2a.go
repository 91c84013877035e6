// Package a2a serves an agent to other agents over the Agent2Agent protocol, versions
// 1.0 and 0.3, in its JSON-RPC binding. Tasks are kept in memory, within bounds.
// Protocol: https://a2a-protocol.org/latest/specification/
package a2a

import (
	"context"
	"encoding/json"
	"net/http"

	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/protocol"
)

// Options say how a server is reached.
type Options struct {
	// Shared is set where callers do not know each other: nobody lists tasks or names
	// the context of a new conversation.
	Shared bool
	// Bearer is set if callers must send a bearer token, which the card then says.
	Bearer bool
	// Stateless is set where a process may end or freeze after each response: answers
	// are messages, and there are no tasks.
	Stateless bool
	// Store keeps the tasks; nil for one of its own.
	Store *Store
}

// Server answers other agents.
type Server struct {
	agent    protocol.Agent
	manifest protocol.Manifest
	options  Options
	store    *Store
}

// New returns a server of the agent.
func New(agent protocol.Agent, manifest protocol.Manifest, options Options) *Server {
	if options.Store == nil {
		options.Store = NewStore()
	}
	return &Server{agent: agent, manifest: manifest, options: options, store: options.Store}
}

// Register adds the endpoint /a2a.
func (s *Server) Register(mux *http.ServeMux) { mux.HandleFunc("POST /a2a", s.serveHTTP) }

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := httpapi.ReadBody(w, r, httpapi.MaxBody(s.manifest))
	if !ok {
		return
	}
	asked, failed := parse(body)
	if failed == nil {
		asked.version, failed = versionOf(r)
	}
	if failed == nil {
		if method, known := methods[asked.version][asked.Method]; known {
			method(s, w, r, asked)
			return
		}
		failed = unknownMethod(asked)
	}
	write(w, asked, nil, failed)
}

type handler func(s *Server, w http.ResponseWriter, r *http.Request, asked request)

// methods are those of each version, by name.
var methods = map[version]map[string]handler{
	v1: {
		"SendMessage": (*Server).send, "SendStreamingMessage": (*Server).stream, "GetTask": (*Server).get, "ListTasks": (*Server).list,
		"CancelTask": (*Server).cancel, "SubscribeToTask": (*Server).subscribe,
		"CreateTaskPushNotificationConfig": refuse(errNoPush), "GetTaskPushNotificationConfig": refuse(errNoPush),
		"ListTaskPushNotificationConfigs": refuse(errNoPush), "DeleteTaskPushNotificationConfig": refuse(errNoPush),
		"GetExtendedAgentCard": refuse(errNoExtendedCard),
	},
	v03: {
		"message/send": (*Server).send, "message/stream": (*Server).stream, "tasks/get": (*Server).get,
		"tasks/cancel": (*Server).cancel, "tasks/resubscribe": (*Server).subscribe,
		"tasks/pushNotificationConfig/set": refuse(errNoPush), "tasks/pushNotificationConfig/get": refuse(errNoPush),
		"tasks/pushNotificationConfig/list": refuse(errNoPush), "tasks/pushNotificationConfig/delete": refuse(errNoPush),
		"agent/getAuthenticatedExtendedCard": refuse(errNoExtendedCard),
	},
}

func refuse(failed *failure) handler {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, asked request) { write(w, asked, nil, failed) }
}

// write answers with a result or an error; JSON-RPC has the status 200 for both.
func write(w http.ResponseWriter, asked request, result any, failed *failure) {
	httpapi.WriteJSON(w, http.StatusOK, asked.answer(result, failed))
}

// send answers a message when its task has ended or waits for a person.
func (s *Server) send(w http.ResponseWriter, r *http.Request, asked request) {
	t, failed := s.begin(r.Context(), asked)
	if failed != nil {
		write(w, asked, nil, failed)
		return
	}
	if s.options.Stateless || !asked.Params.returnsAtOnce(asked.version) {
		if t.wait(r.Context()) != nil {
			return
		}
	}
	if s.options.Stateless {
		write(w, asked, asked.version.wrap("message", t.answer(asked.version)), nil)
		return
	}
	write(w, asked, asked.version.wrap("task", t.snapshot(asked.version, asked.Params.Configuration.HistoryLength)), nil)
}

// begin starts or continues the task of a message. The task goes on when the client
// disconnects, unless nobody could ask for it later.
func (s *Server) begin(ctx context.Context, asked request) (*task, *failure) {
	said, failed := asked.Params.question()
	if failed == nil {
		failed = s.check(said.images)
	}
	if failed != nil {
		return nil, failed
	}
	if s.options.Stateless {
		if asked.Params.Message.TaskID != "" {
			return nil, errNoTask
		}
		t := newTask(newContext(""), asked.Params.Message, said)
		go s.run(ctx, t, nil)
		return t, nil
	}
	if id := asked.Params.Message.TaskID; id != "" {
		return s.resume(ctx, id, asked.Params.Message, said)
	}
	conversation, failed := s.store.context(asked.Params.Message.ContextID, s.options.Shared)
	if failed != nil {
		return nil, failed
	}
	t := newTask(conversation, asked.Params.Message, said)
	s.store.add(t)
	go s.run(context.WithoutCancel(ctx), t, nil)
	return t, nil
}

func (s *Server) get(w http.ResponseWriter, _ *http.Request, asked request) {
	t := s.store.task(asked.Params.ID)
	if t == nil {
		write(w, asked, nil, errNoTask)
		return
	}
	write(w, asked, t.snapshot(asked.version, asked.Params.HistoryLength), nil)
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request, asked request) {
	t := s.store.task(asked.Params.ID)
	switch {
	case t == nil:
		write(w, asked, nil, errNoTask)
	case !t.cancel():
		write(w, asked, nil, errNotCancelable)
	case t.wait(r.Context()) == nil:
		write(w, asked, t.snapshot(asked.version, nil), nil)
	}
}

// inputModes are the media types of what other agents may send.
func (s *Server) inputModes() []string {
	if s.manifest.Knows("images") {
		return append([]string{"text/plain"}, images.MediaTypes()...)
	}
	return []string{"text/plain"}
}

// card describes the agent to other agents; url is the address of this server.
func (s *Server) card(url string) map[string]any {
	endpoint := url + "/a2a"
	description := s.manifest.Description
	if description == "" {
		description = "Answers questions."
	}
	card := map[string]any{
		"name": s.manifest.Name, "description": description, "version": s.manifest.Version,
		"supportedInterfaces": []any{
			map[string]string{"url": endpoint, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
			map[string]string{"url": endpoint, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
		},
		"capabilities":      map[string]any{"streaming": !s.options.Stateless, "pushNotifications": false},
		"defaultInputModes": s.inputModes(), "defaultOutputModes": []string{"text/plain"},
		"skills": []any{map[string]any{
			"id": "ask", "name": "Ask " + s.manifest.Name, "description": description, "tags": []string{"chat"},
		}},
		// For clients of version 0.3.
		"url": endpoint, "preferredTransport": "JSONRPC", "protocolVersion": "0.3.0",
	}
	if s.options.Bearer {
		card["securitySchemes"] = map[string]any{"bearer": map[string]any{"httpAuthSecurityScheme": map[string]string{"scheme": "Bearer"}}}
		card["securityRequirements"] = []any{map[string]any{"schemes": map[string]any{"bearer": map[string]any{"list": []string{}}}}}
	}
	return card
}

// Card serves the description of the agent, which everybody may read.
func (s *Server) Card(w http.ResponseWriter, r *http.Request) {
	body, _ := json.Marshal(s.card(baseURL(r)))
	writeCard(w, r, body)
}
