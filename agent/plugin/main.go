// Command plugin is the agent as a Go plugin. Only standard types cross the
// boundary, so a host needs to share nothing with it but the toolchain.
package main

import (
	"context"

	bundle "agent.local/a0000000000000000"
)

// Manifest describes the agent as JSON.
func Manifest() []byte { return bundle.Manifest() }

// Handle answers one request and reports progress through emit.
func Handle(ctx context.Context, request []byte, emit func(event []byte) error) error {
	return bundle.Handle(ctx, request, emit)
}

// Flush sends what is still to be reported of the answers so far, until ctx ends.
func Flush(ctx context.Context) { bundle.Flush(ctx) }

// A plugin's main is never called, but the toolchain's checks expect one.
func main() {}
