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
	maxETags = 1000
	// A file that changed more recently may change again within the resolution of
	// its timestamps.
	settleTime = 2 * time.Second
)

// etagCache computes the entity tags of files from their content. Without the
// cache, every range request would read the whole file.
type etagCache struct {
	mu    sync.Mutex
	etags map[fileVersion]string
}

// of returns the entity tag of a file and leaves the offset at its beginning.
func (c *etagCache) of(file *os.File) (string, error) {
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	version, settled := versionOf(info, time.Now().Add(-settleTime))
	if etag, ok := c.get(version); ok {
		return etag, nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	etag := `"` + hex.EncodeToString(hash.Sum(nil)[:16]) + `"`
	if settled {
		c.set(version, etag)
	}
	return etag, nil
}

func (c *etagCache) get(version fileVersion) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	etag, ok := c.etags[version]
	return etag, ok
}

func (c *etagCache) set(version fileVersion, etag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.etags == nil || len(c.etags) >= maxETags {
		c.etags = map[fileVersion]string{}
	}
	c.etags[version] = etag
}
