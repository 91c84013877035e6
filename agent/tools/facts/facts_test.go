package facts

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
	"agent.local/a0000000000000000/tools/datadir"
)

// call returns a function that calls the tool with a text, in a directory.
func call(t *testing.T, settings, env string) func(name, text string) string {
	t.Helper()
	tool := agenttest.Tool(t, "facts", settings, env)
	return func(name, text string) string {
		t.Helper()
		argument := map[string]string{"facts_save": "text", "facts_find": "query", "facts_forget": "id"}[name]
		encoded, _ := json.Marshal(map[string]string{argument: text})
		return tool(name, string(encoded))
	}
}

func TestSaveFindForget(t *testing.T) {
	t.Parallel()
	facts := call(t, "", t.TempDir())
	if got := facts("facts_find", ""); got != "no fact was found" {
		t.Error(got)
	}
	id := strings.TrimPrefix(facts("facts_save", "Ann likes  \u200bgreen tea."), "saved as ")
	facts("facts_save", "Bo lives in Bergen.")
	if got := facts("facts_save", "ann likes green tea."); got != "already saved as "+id {
		t.Error(got)
	}
	if got := facts("facts_find", "What TEA does Ann drink?"); !strings.Contains(got, id) || !strings.HasSuffix(got, ": Ann likes green tea.") {
		t.Error(got)
	}
	if got := facts("facts_find", ""); len(strings.Split(got, "\n")) != 2 || !strings.Contains(strings.Split(got, "\n")[0], "Bo") {
		t.Error(got)
	}
	if got := facts("facts_forget", id); got != "forgotten" {
		t.Error(got)
	}
	if got := facts("facts_find", "tea"); got != "no fact was found" {
		t.Error(got)
	}
	if got := facts("facts_forget", id); !strings.HasPrefix(got, "error: there is no fact") {
		t.Error(got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	facts := call(t, "", t.TempDir())
	for _, text := range []string{"", " \u200b", strings.Repeat("ä", maxFact+1)} {
		if got := facts("facts_save", text); !strings.HasPrefix(got, "error: a fact has") {
			t.Error(got)
		}
	}
	functions, err := tools.Configured([]string{"facts"}, nil, func(string) string { return "" })
	if err != nil || !strings.Contains(functions[0].Unavailable, datadir.Env) {
		t.Errorf("%+v, %v", functions, err)
	}
	if got := call(t, `{"directory":"/nowhere/at/all"}`, "")("facts_save", "x"); got != "error: the directory for facts can't be used; tell the user" {
		t.Error(got)
	}
}

func TestDirectoryOfTheSettings(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	settings, _ := json.Marshal(map[string]string{"directory": directory})
	call(t, string(settings), t.TempDir())("facts_save", "x")
	if _, err := os.Stat(filepath.Join(directory, datadir.FactsFile)); err != nil {
		t.Error(err)
	}
}

func TestFileThatIsDamagedOrFull(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	file := filepath.Join(directory, datadir.FactsFile)
	if err := os.WriteFile(file, []byte(`{"id":"a","text":"one","at":"2026-01-01"}`+"\n"+`{"id":"b","te`), 0o600); err != nil {
		t.Fatal(err)
	}
	facts := call(t, "", directory)
	facts("facts_save", "two")
	if got := facts("facts_find", ""); !strings.Contains(got, "one") || !strings.Contains(got, "two") {
		t.Error(got)
	}
	if err := os.Truncate(file, maxFile); err != nil {
		t.Fatal(err)
	}
	if got := facts("facts_save", "three"); !strings.Contains(got, "full") {
		t.Error(got)
	}
}

// A link out of the directory is not followed.
func TestLinkOutOfTheDirectory(t *testing.T) {
	t.Parallel()
	directory, outside := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(directory, datadir.FactsFile)); err != nil {
		t.Fatal(err)
	}
	if got := call(t, "", directory)("facts_save", "x"); !strings.HasPrefix(got, "error") {
		t.Error(got)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	facts := call(t, "", t.TempDir())
	var all sync.WaitGroup
	for i := range 15 {
		all.Go(func() { facts("facts_save", fmt.Sprintf("fact number %d", i)) })
	}
	all.Wait()
	if got := facts("facts_find", "fact"); len(strings.Split(got, "\n")) != 15 {
		t.Error(got)
	}
}
