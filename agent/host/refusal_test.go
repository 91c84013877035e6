package main

import (
	"path/filepath"
	"strings"
	"testing"
)

const (
	manifestOnly = "func Manifest() []byte { return nil }\n\nfunc main() {}\n"
	wrongType    = "func Manifest() string { return \"\" }\n\nfunc main() {}\n"
)

// A plugin that does not fit is refused by name of the rule, before any of its
// code runs where that can be known.
func testMisfits(t *testing.T, h house, plugin string) {
	listed := copyFile(t, plugin, size(t, plugin))
	write(t, filepath.Join(filepath.Dir(listed), "SHA256SUMS"), []byte(strings.Repeat("0", 64)+"  agent.so\n"))
	text := filepath.Join(t.TempDir(), "agent.so")
	write(t, text, []byte("#!/bin/sh\n"))
	tests := []struct {
		name, file, says string
	}{
		{"text file", text, "not an ELF"},
		{"no Go program", "/bin/sh", "build information"},
		{"an executable", h.binary, "-buildmode"},
		{"without -trimpath", buildStranger(t, manifestOnly), "-trimpath"},
		{"with tags", buildStranger(t, manifestOnly, "-trimpath", "-tags=odd"), "-tags"},
		{"missing export", buildStranger(t, manifestOnly, "-trimpath"), "no function Handle"},
		{"wrong export", buildStranger(t, wrongType, "-trimpath"), "Manifest is a func() string"},
		{"changed file", listed, "SHA256SUMS"},
		{"missing file", filepath.Join(t.TempDir(), "none.so"), "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := h.run(t, "", "--manifest", test.file)
			if code != 1 || out != "" || !strings.Contains(errs, test.says) {
				t.Errorf("exit %d, %q, %q", code, out, errs)
			}
		})
	}
}
