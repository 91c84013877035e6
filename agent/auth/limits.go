package auth

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Each running copy of the program counts for itself: a limit on abuse, not
// an exact quota.
const maxAddresses = 10_000

// limits bound what one network address may ask for.
type limits struct{ questions, attempts *bucket }

func newLimits() *limits {
	return &limits{
		questions: &bucket{most: 20, window: time.Minute},
		attempts:  &bucket{most: 10, window: 10 * time.Minute},
	}
}

// bucket counts within windows of time, by address.
type bucket struct {
	most   int
	window time.Duration
	mutex  sync.Mutex
	counts map[string]count
}

type count struct {
	n     int
	until time.Time
}

// take counts one, and returns how long to wait where it is one too many.
func (b *bucket) take(address string, now time.Time) time.Duration {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	c := b.counts[address]
	if !now.Before(c.until) {
		c = count{until: now.Add(b.window)}
	}
	if c.n >= b.most {
		return c.until.Sub(now)
	}
	c.n++
	b.makeRoom(now)
	b.counts[address] = c
	return 0
}

// giveBack takes one that was counted back.
func (b *bucket) giveBack(address string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if c := b.counts[address]; c.n > 0 {
		c.n--
		b.counts[address] = c
	}
}

// makeRoom forgets the windows that are over, and all of them where that is
// not enough.
func (b *bucket) makeRoom(now time.Time) {
	if len(b.counts) >= maxAddresses {
		maps.DeleteFunc(b.counts, func(_ string, c count) bool { return !now.Before(c.until) })
	}
	if b.counts == nil || len(b.counts) >= maxAddresses {
		b.counts = map[string]count{}
	}
}

// peek returns how long to wait, without counting.
func (b *bucket) peek(address string, now time.Time) time.Duration {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if c := b.counts[address]; now.Before(c.until) && c.n >= b.most {
		return c.until.Sub(now)
	}
	return 0
}

func bearerOf(r *http.Request) (string, bool) {
	given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return strings.TrimSpace(given), found
}
