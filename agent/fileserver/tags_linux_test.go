package fileserver

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A tag is remembered only where another content would show in the stamp.
func TestOnlySettledFilesHaveALastingStamp(t *testing.T) {
	info, err := os.Stat(filepath.Join(aSite(t), "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	fresh, lasting := stampOf(info, time.Now().Add(-settled))
	if lasting || fresh == (stamp{}) {
		t.Errorf("a file just written: %v, lasting %v", fresh, lasting)
	}
	if later, lasting := stampOf(info, time.Now().Add(time.Minute)); !lasting || later != fresh {
		t.Errorf("a minute later: %v, lasting %v", later, lasting)
	}
}

func TestTagsAreRemembered(t *testing.T) {
	var known tags
	file, err := os.Open(filepath.Join(aSite(t), "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if tag, err := known.of(file); err != nil || len(known.known) != 0 {
		t.Errorf("a fresh file's tag %s was kept: %v, %v", tag, known.known, err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	mark, _ := stampOf(info, time.Now())
	known.set(mark, "kept")
	if tag, err := known.of(file); err != nil || tag != "kept" {
		t.Errorf("got %s, %v", tag, err)
	}
	for i := range maxTags {
		mark.size = int64(-i)
		known.set(mark, "x")
	}
	if len(known.known) > maxTags {
		t.Errorf("%d tags are kept", len(known.known))
	}
}
