package bundle

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fileLists is files.json: the files that a builder copies for each part.
type fileLists struct {
	Runtime []string            `json:"runtime"`
	APIs    map[string][]string `json:"apis"`
	Tools   map[string][]string `json:"tools"`
	Targets map[string][]string `json:"targets"`
}

// A source missing from the lists would be missing from every agent.
func TestListsAreComplete(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("files.json")
	if err != nil {
		t.Fatal(err)
	}
	var lists fileLists
	if err := json.Unmarshal(raw, &lists); err != nil {
		t.Fatal(err)
	}
	listed := slices.Clone(lists.Runtime)
	for _, part := range slices.Concat(slices.Collect(maps.Values(lists.APIs)),
		slices.Collect(maps.Values(lists.Tools)), slices.Collect(maps.Values(lists.Targets))) {
		listed = append(listed, part...)
	}
	slices.Sort(listed)
	listed = slices.Compact(listed)
	files := []string{"go.mod"}
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		isSource := strings.HasSuffix(path, ".go") || filepath.Base(path) == "providers.json"
		if isSource && !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, "agenttest") {
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	slices.Sort(files)
	if err != nil || !slices.Equal(listed, files) {
		t.Errorf("files.json lists\n%v\nthe directory has\n%v\n%v", listed, files, err)
	}
}

func TestSampleManifest(t *testing.T) {
	t.Parallel()
	var manifest struct{ Error, Handle string }
	if err := json.Unmarshal(Manifest(), &manifest); err != nil || manifest.Error != "" || manifest.Handle != "sample-agent" {
		t.Errorf("manifest %s, %v", Manifest(), err)
	}
}
