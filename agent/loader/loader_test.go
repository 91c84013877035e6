package loader

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func info(main string, settings ...string) *debug.BuildInfo {
	b := &debug.BuildInfo{GoVersion: "go1.27.3", Main: debug.Module{Path: main}}
	for _, s := range append([]string{"-trimpath=true", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1"}, settings...) {
		key, value, _ := strings.Cut(s, "=")
		b.Settings = append(b.Settings, debug.BuildSetting{Key: key, Value: value})
	}
	return b
}

func TestCompare(t *testing.T) {
	t.Parallel()
	host := info("agent.local/a0000000000000000")
	other := "agent.local/a0123456789abcdef"
	older := info(other, "-buildmode=plugin")
	older.GoVersion = "go1.27.2"
	host.Deps = []*debug.Module{{Path: "example.com/shared", Version: "v1.0.0"}}
	sharing := info(other, "-buildmode=plugin")
	sharing.Deps = []*debug.Module{{Path: "example.com/own", Version: "v1.0.0"}, {Path: "example.com/shared", Version: "v1.1.0"}}
	static := info("agent.local/a0000000000000000", "CGO_ENABLED=0")
	wantRule(t, compare(static, info(other, "-buildmode=plugin")), "CGO_ENABLED")
	wantRule(t, explain(errors.New("plugin.Open: /lib/libc.so.6: version `GLIBC_2.99' not found")), "glibc")
	tests := []struct {
		name   string
		plugin *debug.BuildInfo
		rule   string
	}{
		{"another version of a shared package", sharing, "shared packages"},
		{"compatible", info(other, "-buildmode=plugin", "CGO_ENABLED=1", "-ldflags=-s"), ""},
		{"patch release", older, "Go version"},
		{"executable", info(other, "-buildmode=exe"), "-buildmode"},
		{"paths", info(other, "-buildmode=plugin", "-trimpath="), "-trimpath"},
		{"race", info(other, "-buildmode=plugin", "-race=true"), "-race"},
		{"tags", info(other, "-buildmode=plugin", "-tags=netgo"), "-tags"},
		{"microarchitecture", info(other, "-buildmode=plugin", "GOAMD64=v3"), "GOAMD64"},
		{"architecture", info(other, "-buildmode=plugin", "GOARCH=arm64"), "GOARCH"},
		{"experiment", info(other, "-buildmode=plugin", "GOEXPERIMENT=synctest"), "GOEXPERIMENT"},
		{"compiler flags", info(other, "-buildmode=plugin", "-gcflags=all=-N"), "-gcflags"},
		{"not an agent", info("example.com/evil", "-buildmode=plugin"), "module path"},
		{"the host's own path", info("agent.local/a0000000000000000", "-buildmode=plugin"), "module path"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { wantRule(t, compare(host, test.plugin), test.rule) })
	}
}

func wantRule(t *testing.T, err error, rule string) {
	t.Helper()
	var mismatch *MismatchError
	switch {
	case rule == "" && err != nil:
		t.Errorf("got %v", err)
	case rule != "" && (!errors.As(err, &mismatch) || mismatch.Rule != rule):
		t.Errorf("got %v, want the rule %q", err, rule)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if _, ok := formats[runtime.GOOS]; !ok {
		t.Skip("no plugins here")
	}
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "a.so")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	wantRule(t, Check(write("")), "format")
	wantRule(t, Check(write("#!/bin/sh\nexit 1\n")), "format")
	wantRule(t, Check(write(formats[runtime.GOOS].magic+strings.Repeat("\x00", 100))), "build information")
	if err := Check(filepath.Join(t.TempDir(), "none.so")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wantRule(t, Check(executable), "-buildmode")
}

func TestCheckSum(t *testing.T) {
	t.Parallel()
	// The digest of "abc", from FIPS 180-2.
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	path := filepath.Join(t.TempDir(), "a.so")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CheckSum(path); err != nil {
		t.Errorf("without a list: %v", err)
	}
	for list, rule := range map[string]string{
		sum + "  a.so\n": "", sum + " *a.so\n": "", strings.ToUpper(sum) + "  a.so": "", "0  b.so\n" + sum + "  a.so\n": "",
		"0  b.so\n": "", "": "", "1" + sum[1:] + "  a.so\n": SumsFile, "  a.so\n": "", "0  a.so\n": SumsFile,
	} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), SumsFile), []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		wantRule(t, CheckSum(path), rule)
	}
}
