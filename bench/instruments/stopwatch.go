package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// run is one run of a program: milliseconds to the first byte of its output and to its
// end, and the most memory that it had.
type run struct {
	FirstMS float64 `json:"first_ms"`
	EndMS   float64 `json:"end_ms"`
	PeakMB  float64 `json:"peak_mb"`
	Output  string  `json:"output"`
}

// timeCommand runs a command several times, one after another, and prints a line of each.
func timeCommand(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("time takes a number of rounds and a command")
	}
	rounds, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	for range rounds {
		measured, err := timeOnce(arguments[1:])
		if err != nil {
			return err
		}
		if err := printLine(measured); err != nil {
			return err
		}
	}
	return nil
}

func timeOnce(words []string) (run, error) {
	command := exec.Command(words[0], words[1:]...)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return run{}, err
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		return run{}, err
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(output, first); err != nil {
		return run{}, fmt.Errorf("%s printed nothing: %w", words[0], command.Wait())
	}
	firstMS := milliseconds(time.Since(began))
	rest, err := io.ReadAll(output)
	if err != nil {
		return run{}, err
	}
	if err := command.Wait(); err != nil {
		return run{}, err
	}
	endMS := milliseconds(time.Since(began))
	// Linux counts in KiB, and includes what the parent had when the program began: this
	// program is smaller than any that it measures.
	peak := command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	return run{firstMS, endMS, float64(peak) / 1024, string(first) + string(rest)}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
