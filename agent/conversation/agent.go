// Package conversation answers the requests to an agent: it asks the model, runs
// the tools that the model calls, and reports every step as an event.
package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"agent.local/a0000000000000000/budget"
	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/hops"
	"agent.local/a0000000000000000/newest"
	"agent.local/a0000000000000000/permissions"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/seal"
	"agent.local/a0000000000000000/telemetry"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/transport"
)

// Agent answers requests. It is safe for concurrent use.
type Agent struct {
	config   config.Config
	provider providers.Provider
	// fallback answers when the provider fails; nil if there is none.
	fallback *fallback
	tools    []tools.Tool
	rules    map[string][]permissions.Rule
	sealer   seal.Sealer
	ledger   *budget.Ledger
	// spentStates are those whose calls were answered.
	spentStates spentStates
	// summaries are those of conversations that outgrew the window, by the messages that
	// they stand for, so that only whoever has the whole of them finds one.
	summaries newest.Map[string]
	// format is the form of the answers to requests that name none; nil for text.
	format *format
	module string
	own    []tools.Tool
	// spans are sent to a collector; nil if there is none.
	spans *telemetry.Exporter
	// err is the fault that every request is refused with, nil in a usable agent.
	err error
}

// Option is what an agent has beside its configuration.
type Option func(*Agent)

// WithModule names the module that the agent was compiled as.
func WithModule(path string) Option { return func(a *Agent) { a.module = path } }

// WithTools adds tools that other agents of the process do not have.
func WithTools(own ...tools.Tool) Option { return func(a *Agent) { a.own = own } }

// New assembles an agent from the embedded configuration and the environment. An
// agent with a fault answers every request with it, and still has a manifest.
func New(blueprint []byte, getenv func(string) string, options ...Option) *Agent {
	a := &Agent{module: modulePath()}
	for _, option := range options {
		option(a)
	}
	if a.config, a.err = config.Parse(blueprint); a.err != nil {
		return a
	}
	a.spans = telemetry.New(getenv, a.config.Identity.Handle, a.config.Identity.Version)
	a.ledger = ledgerOf(a.config, getenv)
	capabilities := a.config.Capabilities
	if a.tools, a.err = tools.Configured(toolNames(a.config), toolSettings(a.config), getenv, a.own...); a.err != nil {
		return a
	}
	a.distrustFiles()
	tools.ConnectTables(a.tools)
	if answer := a.config.Answer; answer != nil {
		if a.format, a.err = formatOf(*answer); a.err != nil {
			return a
		}
	}
	if a.rules, a.err = rulesOf(capabilities.Permissions, a.tools); a.err != nil {
		return a
	}
	if a.sealer, a.err = seal.New(getenv(seal.KeyEnv)); a.err != nil {
		return a
	}
	a.spentStates.open(getenv)
	settings := providers.Settings{Transport: transport.New(getenv)}
	if a.config.Fallback != nil {
		a.fallback = newFallback(*a.config.Fallback, settings, getenv)
		settings.MaxPause = pauseBeforeFallback
	}
	a.provider, a.err = connect(a.config.Provider, settings, getenv)
	if a.fallback.isUsable() && isKeyError(a.err) {
		a.provider, a.err = failing{a.err}, nil
	}
	return a
}

func connect(p config.Provider, settings providers.Settings, getenv func(string) string) (providers.Provider, error) {
	settings.Code, settings.BaseURL, settings.Model = p.Code, p.BaseURL, p.Model
	settings.AnyObject = p.StructuredOutput == "object"
	if r := p.Request; r != nil {
		settings.KeyHeader, settings.MaxTokensField, settings.ForeignCalls = r.KeyHeader, r.MaxTokens, r.ForeignCalls
	}
	if p.KeyEnv != "" {
		if settings.Key = strings.TrimSpace(getenv(p.KeyEnv)); settings.Key == "" {
			return nil, &providers.Error{
				Kind:    providers.NoKey,
				Message: fmt.Sprintf("set %s to the provider's key in the agent's environment and restart the agent", p.KeyEnv),
			}
		}
	}
	if p.BaseURLEnv != "" && getenv(p.BaseURLEnv) != "" {
		if settings.BaseURL = strings.TrimSpace(getenv(p.BaseURLEnv)); !config.ValidBaseURL(settings.BaseURL) {
			return nil, fmt.Errorf("%s is not an http(s) URL", p.BaseURLEnv)
		}
	}
	provider, err := providers.New(p.API, settings)
	if err != nil {
		return nil, err
	}
	return observe(provider, p, settings), nil
}

// Manifest describes the agent and its build as JSON. It has an "error" if the
// configuration is unusable; a missing key is not an error here.
func (a *Agent) Manifest() []byte {
	c := a.config
	manifest := map[string]any{
		"schema": config.Schema, "name": c.Identity.Name, "handle": c.Identity.Handle, "type": c.Identity.Type,
		"version": c.Identity.Version, "description": c.Identity.Description,
		"provider": map[string]string{
			"code": c.Provider.Code, "api": c.Provider.API, "model": c.Provider.Model, "key_env": c.Provider.KeyEnv,
		},
		"tools": append([]string{}, c.Capabilities.Tools...), "limits": c.Limits,
		"config_sha256": c.SHA256, "go": runtime.Version(), "module": a.module,
		"request_fields": requestFields(c.Capabilities),
	}
	if may := a.mayDo(); len(may) > 0 {
		manifest["may"] = may
	}
	if f := c.Fallback; f != nil {
		manifest["fallback"] = map[string]string{"code": f.Code, "api": f.API, "model": f.Model, "key_env": f.KeyEnv}
	}
	if c.Knowledge != nil {
		manifest["knowledge"] = c.Knowledge.Names()
	}
	if c.Skills != nil {
		manifest["skills"] = c.SkillNames()
	}
	if a.err != nil && a.provider == nil && !isKeyError(a.err) {
		manifest["error"] = a.err.Error()
	}
	encoded, _ := json.Marshal(manifest)
	return encoded
}

// requestFields returns what requests may contain beside messages; hosts refuse the rest by
// name.
func requestFields(c config.Capabilities) []string {
	fields := []string{"approval", "data", "format", "hops", "instructions", "max_tokens", "traceparent"}
	if c.Images {
		fields = append(fields, "images")
	}
	slices.Sort(fields)
	return fields
}

// modulePath returns the module path that this package was compiled under. The
// build information of the process is that of the host.
func modulePath() string {
	pc, _, _, _ := runtime.Caller(0)
	name := runtime.FuncForPC(pc).Name()
	path, _, _ := strings.Cut(name, "/conversation.modulePath")
	return path
}

// Handle answers one JSON request and calls emit with one JSON event at a time,
// from one goroutine. The last event is of type done or error. Handle returns the
// error event as a *Failure, or the error of emit, after which it emits nothing.
func (a *Agent) Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	span := a.startSpan(request)
	err := a.report(telemetry.With(ctx, span), request, &output{emit: emit})
	endSpan(span, err)
	return err
}

// Flush sends the spans of the answers so far, until ctx ends.
func (a *Agent) Flush(ctx context.Context) { a.spans.Flush(ctx) }

// report answers, and emits the error event of an answer that fails.
func (a *Agent) report(ctx context.Context, request []byte, out *output) error {
	err := a.answer(ctx, request, out)
	if err == nil || out.failed != nil {
		return out.failed
	}
	failure := failureOf(ctx, err)
	if emitErr := out.send(failure); emitErr != nil {
		return emitErr
	}
	return failure
}

// answer turns a panic into an error: one request must not crash the server that
// hosts the agent.
func (a *Agent) answer(ctx context.Context, raw []byte, out *output) (err error) {
	defer func() {
		if value := recover(); value != nil {
			fmt.Fprintf(os.Stderr, "agent: %v\n%s", value, debug.Stack())
			err = fmt.Errorf("the agent failed: %v", value)
		}
	}()
	if a.err != nil {
		return a.err
	}
	asked, err := parseRequest(raw, a.config.Capabilities.Images)
	if err != nil {
		return err
	}
	if asked.format == nil {
		asked.format = a.format
	}
	ctx, cancel := a.withTimeLimit(hops.With(ctx, asked.Hops))
	defer cancel()
	return a.converse(ctx, asked, out)
}
