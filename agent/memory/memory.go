// Package memory keeps a process within its limit: the runtime collects harder
// when it comes near, a watch ends the work in progress with a clear error,
// and the kernel stops what gets past both.
package memory

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const mebibyte = 1 << 20

// ExceededError is the cause of a context that the watch cancelled.
type ExceededError struct{ Limit int }

func (e *ExceededError) Error() string {
	return fmt.Sprintf("the agent needed more than its limit of %d MiB of memory", e.Limit)
}

// Code is the event code of this failure.
func (e *ExceededError) Code() string { return "memory_limit" }

// An agent waits more than it computes, and threads cost memory.
const maxThreads = 4

// Apply limits this process to mib mebibytes. An error means that only the
// runtime's own, soft limit holds.
func Apply(mib int) error {
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), maxThreads))
	debug.SetMemoryLimit(int64(mib) * mebibyte * 9 / 10)
	return limitData(mib)
}

const checkEvery = 20 * time.Millisecond

// Watch returns a context that is cancelled with an *ExceededError when the
// process holds more than mib mebibytes. Call stop when the work is done.
func Watch(ctx context.Context, mib int) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(checkEvery)
		defer ticker.Stop()
		for {
			select {
			case <-watched.Done():
				return
			case <-ticker.C:
				if held() > uint64(mib)*mebibyte {
					cancel(&ExceededError{Limit: mib})
				}
			}
		}
	}()
	return watched, func() { cancel(nil) }
}

// held returns the bytes that the runtime has from the system.
func held() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
