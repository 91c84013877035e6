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

// The host refuses an incompatible plugin and names the rule, if possible before
// any of its code runs.
func testMismatches(t *testing.T, h installation, plugin string) {
	listed := copyFile(t, plugin, size(t, plugin))
	write(t, filepath.Join(filepath.Dir(listed), "SHA256SUMS"), []byte(strings.Repeat("0", 64)+"  agent.so\n"))
	text := filepath.Join(t.TempDir(), "agent.so")
	write(t, text, []byte("#!/bin/sh\n"))
	tests := []struct {
		name, file, want string
	}{
		{"text file", text, "not an ELF"},
		{"no Go program", "/bin/sh", "build information"},
		{"an executable", h.binary, "-buildmode"},
		{"without -trimpath", buildForeign(t, manifestOnly), "-trimpath"},
		{"with tags", buildForeign(t, manifestOnly, "-trimpath", "-tags=odd"), "-tags"},
		{"missing export", buildForeign(t, manifestOnly, "-trimpath"), "no function Handle"},
		{"wrong export", buildForeign(t, wrongType, "-trimpath"), "Manifest is a func() string"},
		{"changed file", listed, "SHA256SUMS"},
		{"missing file", filepath.Join(t.TempDir(), "none.so"), "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := h.run(t, "", "--manifest", test.file)
			if code != 1 || out != "" || !strings.Contains(errs, test.want) {
				t.Errorf("exit %d, %q, %q", code, out, errs)
			}
		})
	}
}
