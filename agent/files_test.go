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

// fileLists is files.json: what a builder copies for each part.
type fileLists struct {
	Runtime []string            `json:"runtime"`
	Tools   map[string][]string `json:"tools"`
	Targets map[string][]string `json:"targets"`
}

// A source that is in no list would be missing from every agent.
func TestListsNameEverySource(t *testing.T) {
	raw, err := os.ReadFile("files.json")
	if err != nil {
		t.Fatal(err)
	}
	var lists fileLists
	if err := json.Unmarshal(raw, &lists); err != nil {
		t.Fatal(err)
	}
	listed := slices.Clone(lists.Runtime)
	for _, part := range slices.Concat(slices.Collect(maps.Values(lists.Tools)), slices.Collect(maps.Values(lists.Targets))) {
		listed = append(listed, part...)
	}
	slices.Sort(listed)
	listed = slices.Compact(listed)
	found := []string{"go.mod"}
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			found = append(found, filepath.ToSlash(path))
		}
		return err
	})
	slices.Sort(found)
	if err != nil || !slices.Equal(listed, found) {
		t.Errorf("files.json names\n%v\nthere is\n%v\n%v", listed, found, err)
	}
}

func TestSampleIsSound(t *testing.T) {
	var manifest struct{ Error, Handle string }
	if err := json.Unmarshal(Manifest(), &manifest); err != nil || manifest.Error != "" || manifest.Handle != "sample-agent" {
		t.Errorf("manifest %s, %v", Manifest(), err)
	}
}
