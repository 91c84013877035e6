package fileserver

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestVersionSettles(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(filepath.Join(newSite(t), "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	fresh, settled := versionOf(info, time.Now().Add(-settleTime))
	if settled || fresh == (fileVersion{}) {
		t.Errorf("a new file: %v, settled %v", fresh, settled)
	}
	if later, settled := versionOf(info, time.Now().Add(time.Minute)); !settled || later != fresh {
		t.Errorf("a minute later: %v, settled %v", later, settled)
	}
}

func TestETagsAreCached(t *testing.T) {
	t.Parallel()
	var cache etagCache
	file, err := os.Open(filepath.Join(newSite(t), "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if tag, err := cache.of(file); err != nil || len(cache.etags) != 0 {
		t.Errorf("the tag %s of a new file was cached: %v, %v", tag, cache.etags, err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	version, _ := versionOf(info, time.Now())
	cache.set(version, "cached")
	if tag, err := cache.of(file); err != nil || tag != "cached" {
		t.Errorf("got %s, %v", tag, err)
	}
	for i := range maxETags {
		version.size = int64(-i)
		cache.set(version, "x")
	}
	if len(cache.etags) > maxETags {
		t.Errorf("%d tags are cached", len(cache.etags))
	}
}
