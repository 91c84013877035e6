//go:build !linux

package memory

import "errors"

// Other kernels do not count data like Linux.
func limitData(int) error { return errors.ErrUnsupported }
