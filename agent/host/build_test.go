package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

const hostPath = "agent.local/a0000000000000000"

// How agents and hosts are built; other flags make them incompatible.
var buildFlags = []string{"build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

type fileLists struct {
	Runtime []string            `json:"runtime"`
	APIs    map[string][]string `json:"apis"`
	Tools   map[string][]string `json:"tools"`
	Targets map[string][]string `json:"targets"`
}

func readLists(t *testing.T) fileLists {
	t.Helper()
	var lists fileLists
	raw, err := os.ReadFile("../files.json")
	if err == nil {
		err = json.Unmarshal(raw, &lists)
	}
	if err != nil {
		t.Fatal(err)
	}
	return lists
}

// compile runs go in dir and returns the path of its output.
func compile(t *testing.T, dir, name string, arguments ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	command := exec.Command("go", append(arguments, "-o", out, ".")...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local", "CGO_ENABLED=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", arguments, err, output)
	}
	return out
}

// copyTree copies the listed sources into a new directory under another module
// path, as a builder does.
func copyTree(t *testing.T, module string, files []string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		source, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), bytes.ReplaceAll(source, []byte(hostPath), []byte(module)))
	}
	return dir
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func buildHost(t *testing.T) string {
	t.Helper()
	dir := copyTree(t, hostPath, readLists(t).Targets["host"])
	return compile(t, filepath.Join(dir, "host"), "agentforge-host", buildFlags...)
}

// layOut copies the sources of an agent as a builder does: what is its own under its
// module path, and the packages that agents share under another.
func layOut(t *testing.T, module string, files []string) string {
	t.Helper()
	const runtime = "agent.local/r0123456789abcdef"
	dir := t.TempDir()
	for _, name := range files {
		source, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		source = bytes.ReplaceAll(source, []byte(hostPath+"/"), []byte(runtime+"/"))
		source = bytes.ReplaceAll(source, []byte(hostPath), []byte(module))
		if name == "go.mod" {
			source = append(source, "\nrequire "+runtime+" v0.0.0\n\nreplace "+runtime+" => ./\n"...)
		}
		write(t, filepath.Join(dir, name), source)
	}
	return dir
}

// buildPlugin compiles an agent with the given configuration.
func buildPlugin(t *testing.T, module string, blueprint []byte, tools ...string) string {
	t.Helper()
	lists := readLists(t)
	files := slices.Concat(lists.Runtime, lists.Targets["plugin"], lists.APIs["openai"])
	for _, tool := range tools {
		files = append(files, lists.Tools[tool]...)
	}
	dir := layOut(t, module, files)
	write(t, filepath.Join(dir, "agent.json"), blueprint)
	return compile(t, filepath.Join(dir, "plugin"), "agent.so", append(buildFlags, "-buildmode=plugin")...)
}

// buildForeign compiles a plugin of one file that is no agent.
func buildForeign(t *testing.T, source string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), []byte("module agent.local/affffffffffffffff\n\ngo 1.25\n"))
	write(t, filepath.Join(dir, "main.go"), []byte("package main\n\n"+source))
	return compile(t, dir, "agent.so", append([]string{"build", "-buildvcs=false", "-ldflags=-s -w", "-buildmode=plugin"}, flags...)...)
}
