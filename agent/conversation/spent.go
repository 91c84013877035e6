package conversation

import (
	"sync"
	"time"
)

// spentCalls remembers the approvals that were answered, until they have expired.
type spentCalls struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// claim takes all of the ids, or none if one was taken before.
func (s *spentCalls) claim(ids []string, until time.Time) bool {
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
			return false
		}
	}
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	for _, id := range ids {
		s.until[id] = until
	}
	return true
}
