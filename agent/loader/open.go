//go:build linux || darwin || freebsd

package loader

import (
	"context"
	"errors"
	"path/filepath"
	"plugin"
	"strings"
)

// Agent is a loaded plugin.
type Agent struct {
	manifest func() []byte
	handle   func(context.Context, []byte, func([]byte) error) error
	flush    func(context.Context)
}

// Open checks and loads the plugin at path. An unsigned plugin is loaded too; a
// wrong signature or digest is an error, like any *MismatchError.
func Open(path string) (*Agent, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := CheckSignature(path, ""); err != nil && !errors.Is(err, ErrUnsigned) {
		return nil, err
	}
	if err := CheckSum(path); err != nil {
		return nil, err
	}
	if err := Check(path); err != nil {
		return nil, err
	}
	opened, err := plugin.Open(path)
	if err != nil {
		return nil, explain(err)
	}
	agent := &Agent{}
	if agent.manifest, err = export[func() []byte](opened, "Manifest"); err != nil {
		return nil, err
	}
	if agent.handle, err = export[func(context.Context, []byte, func([]byte) error) error](opened, "Handle"); err != nil {
		return nil, err
	}
	// Earlier agents have nothing to flush.
	if agent.flush, err = export[func(context.Context)](opened, "Flush"); err != nil {
		agent.flush = func(context.Context) {}
	}
	return agent, nil
}

// explain recognises the one rule that only the system's loader checks.
func explain(err error) error {
	if strings.Contains(err.Error(), "GLIBC_") {
		return mismatch("glibc", "this system's C library is older than the plugin needs: %v", err)
	}
	return err
}

// export returns an exported function of the plugin.
func export[F any](p *plugin.Plugin, name string) (F, error) {
	var none F
	symbol, err := p.Lookup(name)
	if err != nil {
		return none, mismatch("exports", "the plugin has no function %s", name)
	}
	function, ok := symbol.(F)
	if !ok {
		return none, mismatch("exports", "%s is a %T, not a %T", name, symbol, none)
	}
	return function, nil
}

// Manifest describes the agent as JSON.
func (a *Agent) Manifest() []byte { return a.manifest() }

// Handle answers one request and reports progress through emit.
func (a *Agent) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	return a.handle(ctx, request, emit)
}

// Flush sends what is still to be reported of the answers so far, until ctx ends.
func (a *Agent) Flush(ctx context.Context) { a.flush(ctx) }
