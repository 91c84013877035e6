package workspace

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/tools"
)

// call returns a function that calls the tool in a directory.
func call(t *testing.T, settings, env string) func(name, arguments string) string {
	t.Helper()
	return agenttest.Tool(t, "workspace", settings, env)
}

func TestWriteListRead(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	files := call(t, "", directory)
	if got := files("files_list", `{}`); got != "there are no files" {
		t.Error(got)
	}
	if got := files("files_write", `{"path":"notes/plan.md","text":"One\n"}`); got != "wrote notes/plan.md, 4 bytes" {
		t.Error(got)
	}
	files("files_write", `{"path":"notes/plan.md","text":"Two\n","append":true}`)
	if got := files("files_read", `{"path":"notes/plan.md"}`); got != "One\nTwo\n" {
		t.Errorf("%q", got)
	}
	files("files_write", `{"path":"notes/plan.md","text":"New"}`)
	if got := files("files_read", `{"path":"notes/plan.md","from":1}`); got != "ew" {
		t.Errorf("%q", got)
	}
	if got := files("files_list", `{}`); got != "notes/" {
		t.Error(got)
	}
	if got := files("files_list", `{"path":"notes/"}`); !strings.HasPrefix(got, "plan.md  3 bytes, ") || strings.Contains(got, "\n") {
		t.Error(got)
	}
	info, err := os.Stat(filepath.Join(directory, "notes", "plan.md"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

func TestAFileKeepsItsPermissions(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	file := filepath.Join(directory, "a.txt")
	if err := os.WriteFile(file, []byte("\ufeffold"), 0o640); err != nil {
		t.Fatal(err)
	}
	files := call(t, "", directory)
	if got := files("files_read", `{"path":"a.txt"}`); got != "old" {
		t.Errorf("%q", got)
	}
	files("files_write", `{"path":"a.txt","text":"new"}`)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Error(info, err)
	}
}

// A path has one spelling, so that no rule on paths is avoided by another, and none leads out.
func TestPathsThatAreRefused(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret")
	directory := t.TempDir()
	for _, err := range []error{
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(directory, ".env"), []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(directory, "facts.jsonl"), []byte("secret"), 0o600),
		os.Mkdir(filepath.Join(directory, ".git"), 0o700),
		os.Mkdir(filepath.Join(directory, "a"), 0o700),
		os.Symlink(outside, filepath.Join(directory, "link")),
		os.Symlink(filepath.Dir(outside), filepath.Join(directory, "folder")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files := call(t, "", directory)
	for _, path := range []string{
		"", ".", "..", "../secret", "a/../../secret", "a/../b", "./b", "a//b", "/etc/passwd", outside, "a/", "a/./b", ".env", "a/.env",
		".git/hooks/post-commit", "b.", "b ", " b", "a/ b", `a\b`, "b:stream", "b\x00", "b\n", "b\x1b[0m", strings.Repeat("a", 301), "link", "folder/secret",
		"facts.jsonl", "Facts.JSONL", ".spent-a-2026-11-29.jsonl",
	} {
		encoded, _ := json.Marshal(map[string]string{"path": path, "text": "written"})
		for _, name := range []string{"files_read", "files_write"} {
			if got := files(name, string(encoded)); !strings.HasPrefix(got, "error: ") || strings.Contains(got, directory) {
				t.Errorf("%s %q: %s", name, path, got)
			}
		}
	}
	if got := files("files_list", `{}`); got != "a/" {
		t.Error(got)
	}
	for _, path := range []string{"..", "folder", "/", ".git"} {
		if got := files("files_list", fmt.Sprintf(`{"path":%q}`, path)); !strings.HasPrefix(got, "error: ") {
			t.Errorf("%s: %s", path, got)
		}
	}
	if content, err := os.ReadFile(outside); err != nil || string(content) != "secret" {
		t.Errorf("%s, %v", content, err)
	}
}

func TestWhatIsNoText(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for name, content := range map[string]string{"binary": "\x00\xff", "large": strings.Repeat("x", maxRead+1), "long": strings.Repeat("é", maxText+5)} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := call(t, "", directory)
	for arguments, want := range map[string]string{
		`{"path":"binary"}`: "error: binary is not text", `{"path":"large"}`: "error: large is larger than 4 MB",
		`{"path":"none"}`: "error: there is no none", `{"path":"long","from":12000}`: "ééééé",
	} {
		if got := files("files_read", arguments); got != want {
			t.Errorf("%s: %.80s", arguments, got)
		}
	}
	if got := files("files_read", `{"path":"long"}`); !strings.HasSuffix(got, "(characters 0 to 12000 of 12005; read on with from: 12000)") {
		t.Errorf("%.80s", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	files := call(t, "", directory)
	encoded, _ := json.Marshal(map[string]string{"path": "a", "text": strings.Repeat("x", maxWrite+1)})
	if got := files("files_write", string(encoded)); !strings.Contains(got, "at most 1 MB") {
		t.Error(got)
	}
	file := filepath.Join(directory, "full")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, maxTotal); err != nil {
		t.Fatal(err)
	}
	if got := files("files_write", `{"path":"a","text":"x"}`); !strings.Contains(got, "is full") {
		t.Error(got)
	}
	if entries, _ := os.ReadDir(directory); len(entries) != 1 {
		t.Error(entries)
	}
}

func TestWithoutADirectory(t *testing.T) {
	t.Parallel()
	functions, err := tools.Configured([]string{"workspace"}, nil, func(string) string { return "" })
	if err != nil || len(functions) != 3 {
		t.Fatal(functions, err)
	}
	for _, function := range functions {
		if !strings.Contains(function.Unavailable, "AGENT_DATA_DIR") {
			t.Errorf("%s: %q", function.Name, function.Unavailable)
		}
	}
	if got := call(t, "", filepath.Join(t.TempDir(), "missing"))("files_list", `{}`); !strings.Contains(got, "can't be used") {
		t.Error(got)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	files := call(t, "", t.TempDir())
	var all sync.WaitGroup
	for range 15 {
		all.Go(func() { files("files_write", `{"path":"log","text":"x","append":true}`) })
	}
	all.Wait()
	if got := files("files_read", `{"path":"log"}`); got != strings.Repeat("x", 15) {
		t.Error(got)
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"a/b", "../x", "a/../b", ".env", "a\\b", "con", "a:b"} {
		f.Add(seed)
	}
	directory := f.TempDir()
	inner := filepath.Join(directory, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		_, _ = folder(inner).write(input{Path: path, Text: "x"})
		entries, err := os.ReadDir(directory)
		if err != nil || len(entries) != 1 {
			t.Errorf("%q left the directory", path)
		}
	})
}
