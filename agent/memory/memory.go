// Package memory limits the memory of a process in three ways: the runtime
// collects garbage more often near the limit, a watch ends the work in progress
// with a clear error, and the kernel refuses memory beyond.
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

// ExceededError is the cause of a context that Watch cancelled. Limit is in MiB.
type ExceededError struct{ Limit int }

func (e *ExceededError) Error() string {
	return fmt.Sprintf("the agent exceeded its memory limit of %d MiB", e.Limit)
}

// Code returns the code of the error event.
func (e *ExceededError) Code() string { return "memory_limit" }

// An agent mostly waits, and threads cost memory.
const maxThreads = 4

// Apply limits this process to mib mebibytes. After an error only the runtime's
// soft limit applies.
func Apply(mib int) error {
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), maxThreads))
	debug.SetMemoryLimit(int64(mib) * mebibyte * 9 / 10)
	return limitData(mib)
}

const checkInterval = 20 * time.Millisecond

// Watch returns a context that is cancelled with an *ExceededError once the process
// uses more than mib mebibytes. Call stop when the work is done.
func Watch(ctx context.Context, mib int) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(checkInterval)
		defer ticker.Stop()
		for {
			select {
			case <-watched.Done():
				return
			case <-ticker.C:
				if used() > uint64(mib)*mebibyte {
					cancel(&ExceededError{Limit: mib})
				}
			}
		}
	}()
	return watched, func() { cancel(nil) }
}

// used returns the bytes that the runtime has obtained from the system and not
// released.
func used() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
