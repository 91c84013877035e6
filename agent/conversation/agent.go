// Package conversation holds the conversation: it asks the model, runs the tools that
// the model calls for, and reports every step as an event.
package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/transport"
)

// Agent answers requests. It is safe for concurrent use.
type Agent struct {
	config   config.Config
	provider providers.Provider
	tools    []tools.Tool
	// broken is why every request will be refused, nil in a sound agent.
	broken error
}

// New assembles an agent from the embedded configuration and the environment.
// A fault is kept and told to whoever asks, with the manifest still readable.
func New(blueprint []byte, getenv func(string) string) *Agent {
	a := &Agent{}
	if a.config, a.broken = config.Parse(blueprint); a.broken != nil {
		return a
	}
	if a.tools, a.broken = tools.Select(a.config.Capabilities.Tools); a.broken != nil {
		return a
	}
	a.provider, a.broken = connect(a.config.Provider, getenv)
	return a
}

func connect(p config.Provider, getenv func(string) string) (providers.Provider, error) {
	settings := providers.Settings{
		Code: p.Code, BaseURL: p.BaseURL, Model: p.Model, Transport: transport.New(getenv),
	}
	if p.KeyEnv != "" {
		if settings.Key = strings.TrimSpace(getenv(p.KeyEnv)); settings.Key == "" {
			return nil, &providers.Error{
				Kind:    providers.NoKey,
				Message: fmt.Sprintf("set %s to the provider's key in the agent's environment, then start it again", p.KeyEnv),
			}
		}
	}
	if p.BaseURLEnv != "" && getenv(p.BaseURLEnv) != "" {
		if settings.BaseURL = strings.TrimSpace(getenv(p.BaseURLEnv)); !config.ValidBaseURL(settings.BaseURL) {
			return nil, fmt.Errorf("%s is not an http(s) URL", p.BaseURLEnv)
		}
	}
	return providers.New(p.API, settings)
}

// Manifest describes the agent as JSON: who it is and what it was built from.
// It has an "error" where the configuration itself is not usable.
func (a *Agent) Manifest() []byte {
	c := a.config
	manifest := map[string]any{
		"schema": config.Schema, "name": c.Identity.Name, "handle": c.Identity.Handle, "type": c.Identity.Type,
		"version": c.Identity.Version, "description": c.Identity.Description,
		"provider": map[string]string{
			"code": c.Provider.Code, "api": c.Provider.API, "model": c.Provider.Model, "key_env": c.Provider.KeyEnv,
		},
		"tools": append([]string{}, c.Capabilities.Tools...), "limits": c.Limits,
		"config_sha256": c.SHA256, "go": runtime.Version(), "module": modulePath(),
	}
	if a.broken != nil && a.provider == nil && !isKeyFault(a.broken) {
		manifest["error"] = a.broken.Error()
	}
	encoded, _ := json.Marshal(manifest)
	return encoded
}

// modulePath names the build by the path that this very package was compiled
// under; the build info of the process is the host's.
func modulePath() string {
	pc, _, _, _ := runtime.Caller(0)
	name := runtime.FuncForPC(pc).Name()
	path, _, _ := strings.Cut(name, "/conversation.modulePath")
	return path
}

// Handle answers one request (JSON, as the contract says) and calls emit with
// one JSON event at a time, from one goroutine. The last event is done or
// error. The returned error repeats the error event, or is emit's own, after
// which nothing more is emitted.
func (a *Agent) Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	out := &output{emit: emit}
	err := a.answer(ctx, request, out)
	if err == nil || out.failed != nil {
		return out.failed
	}
	report := describe(ctx, err)
	if emitErr := out.send(report); emitErr != nil {
		return emitErr
	}
	return report
}

// answer turns a panic into an error: one bad request must not take down a
// server that hosts the agent.
func (a *Agent) answer(ctx context.Context, request []byte, out *output) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintf(os.Stderr, "agent: %v\n%s", fault, debug.Stack())
			err = fmt.Errorf("the agent failed: %v", fault)
		}
	}()
	if a.broken != nil {
		return a.broken
	}
	messages, err := parseRequest(request)
	if err != nil {
		return err
	}
	ctx, cancel := a.withTimeLimit(ctx)
	defer cancel()
	return a.converse(ctx, remember(messages, a.config.Capabilities.Memory), out)
}
