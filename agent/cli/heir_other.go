//go:build !unix

package cli

import (
	"errors"
	"net"
	"os"
)

// heir is a program that took over; here there are none.
type heir struct{ ended chan error }

func fileOf(net.Listener) (*os.File, error) { return nil, errors.ErrUnsupported }

func (p Program) startHeir(*os.File) (*heir, string, error) { return nil, "", errors.ErrUnsupported }

func (h *heir) retire() {}

func (h *heir) stop() {}

func inherit() (place, error) { return place{}, errors.ErrUnsupported }
