package conversation

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"agent.local/a0000000000000000/once"
	"agent.local/a0000000000000000/seal"
)

// Tools leave hidden files alone.
const spentPrefix = ".answered-"

var errSpent = badRequest("this approval was answered already; load the conversation again")

// spentStates remembers the states that were answered, until what waits in them has
// expired.
type spentStates struct {
	// directory has them as files, for other processes that open the same states, such as
	// the next one; empty if states end with this process or nothing can be kept.
	directory string
	// holder names this agent if nobody but it can know what was answered: it alone takes
	// answers to what it asked. It is empty if a directory has them, or the sender.
	holder string

	mu    sync.Mutex
	until map[string]time.Time
}

// open finds out from the environment who else takes answers.
func (s *spentStates) open(getenv func(string) string) {
	s.directory, s.holder = "", ""
	if getenv(seal.KeyEnv) != "" {
		s.directory = getenv(DataEnv)
	}
	if s.directory == "" && getenv(seal.OneAnswerEnv) == "" {
		s.holder = rand.Text()
	}
}

// holderFor returns the holder of the states that a request gets or sends.
func (s *spentStates) holderFor(ctx context.Context) string {
	if once.From(ctx) != nil {
		return ""
	}
	return s.holder
}

// claim takes a state, or returns errSpent if it was taken before: by this process or, if
// the request has a register or there is a directory, by any.
func (s *spentStates) claim(ctx context.Context, state string, until time.Time) error {
	if !s.takeHere(state, until) {
		return errSpent
	}
	first, err := s.takeEverywhere(ctx, state, until)
	if err != nil {
		s.release(state)
		return failure(codeInternal, "nothing ran, since it can't be kept that this was approved: "+err.Error())
	}
	if !first {
		return errSpent
	}
	return nil
}

func (s *spentStates) takeHere(state string, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for each, expires := range s.until {
		if now.After(expires) {
			delete(s.until, each)
		}
	}
	if _, taken := s.until[state]; taken {
		return false
	}
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	s.until[state] = until
	return true
}

// release allows another try of a claim that failed.
func (s *spentStates) release(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.until, state)
}

func (s *spentStates) takeEverywhere(ctx context.Context, state string, until time.Time) (bool, error) {
	if register := once.From(ctx); register != nil {
		return register.Claim(ctx, state, until)
	}
	if s.directory == "" {
		return true, nil
	}
	s.removeOld()
	file, err := os.OpenFile(filepath.Join(s.directory, spentPrefix+state), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		// Its own words would name a path of the machine.
		return false, errors.New("the directory of " + DataEnv + " can't be written")
	}
	return true, file.Close()
}

// removeOld removes the files that are of no use any more.
func (s *spentStates) removeOld() {
	// The directory itself is no pattern, whatever its name.
	old, _ := fs.Glob(os.DirFS(s.directory), spentPrefix+"*")
	for _, name := range old {
		path := filepath.Join(s.directory, name)
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > 2*approvalTime {
			_ = os.Remove(path)
		}
	}
}
