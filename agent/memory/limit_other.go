//go:build !linux

package memory

import "errors"

// Elsewhere the kernel does not count data the way that Linux does.
func limitData(int) error { return errors.ErrUnsupported }
