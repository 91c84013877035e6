package conversation

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Tools leave hidden files alone.
const spentPrefix = ".answered-"

var errSpent = badRequest("this approval was answered already; load the conversation again")

// spentCalls remembers the approvals that were answered, until they have expired.
type spentCalls struct {
	// directory has them as files, for other processes that open the same states, such as
	// the next one; empty if states end with this process or nothing can be kept.
	directory string

	mu    sync.Mutex
	until map[string]time.Time
}

// claim takes all of the ids, or returns errSpent if one was taken before.
func (s *spentCalls) claim(ids []string, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for id, expires := range s.until {
		if now.After(expires) {
			delete(s.until, id)
		}
	}
	for _, id := range ids {
		if _, taken := s.until[id]; taken {
			return errSpent
		}
	}
	if err := s.record(ids, until.Sub(now)); err != nil {
		return err
	}
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	for _, id := range ids {
		s.until[id] = until
	}
	return nil
}

// record makes a file for each id. Of several processes, one can. Files older than kept
// are of no use any more.
func (s *spentCalls) record(ids []string, kept time.Duration) error {
	if s.directory == "" || len(ids) == 0 {
		return nil
	}
	s.removeOld(kept)
	for _, id := range ids {
		path := filepath.Join(s.directory, spentPrefix+url.QueryEscape(id))
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return errSpent
		}
		if err != nil {
			return failure(codeInternal, "nothing ran: that it was approved can't be kept in the directory of "+dataEnv)
		}
		_ = file.Close()
	}
	return nil
}

func (s *spentCalls) removeOld(kept time.Duration) {
	old, _ := filepath.Glob(filepath.Join(s.directory, spentPrefix+"*"))
	for _, path := range old {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > kept {
			_ = os.Remove(path)
		}
	}
}
