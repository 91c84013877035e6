package fileserver

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"sync"
	"time"
)

const (
	maxTags = 1000
	// A file that changed this lately may change again without showing it.
	settled = 2 * time.Second
)

// tags makes the entity tags of files from their content, and remembers them:
// else every part of a long file that is asked for would cost a reading of it.
type tags struct {
	mutex sync.Mutex
	known map[stamp]string
}

// of returns a file's tag, and leaves it at its beginning.
func (t *tags) of(file *os.File) (string, error) {
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	mark, lasting := stampOf(info, time.Now().Add(-settled))
	if tag, ok := t.get(mark); ok {
		return tag, nil
	}
	total := sha256.New()
	if _, err := io.Copy(total, file); err != nil {
		return "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := `"` + hex.EncodeToString(total.Sum(nil)[:16]) + `"`
	if lasting {
		t.set(mark, tag)
	}
	return tag, nil
}

func (t *tags) get(mark stamp) (string, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	tag, ok := t.known[mark]
	return tag, ok
}

func (t *tags) set(mark stamp, tag string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.known == nil || len(t.known) >= maxTags {
		t.known = map[stamp]string{}
	}
	t.known[mark] = tag
}
