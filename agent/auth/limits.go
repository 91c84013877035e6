package auth

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxAddresses bounds the memory of a limiter.
const maxAddresses = 10_000

// limits bound what one client address may do. Each running copy of the program
// counts on its own: they limit abuse and are no exact quota.
type limits struct{ questions, attempts *limiter }

func newLimits() limits {
	return limits{
		questions: &limiter{most: 20, window: time.Minute},
		attempts:  &limiter{most: 10, window: 10 * time.Minute},
	}
}

// limiter counts events by address, in fixed windows of time.
type limiter struct {
	most   int
	window time.Duration
	mu     sync.Mutex
	counts map[string]count
}

type count struct {
	n     int
	until time.Time
}

// take counts one event. If that is one too many, it counts nothing and returns
// how long to wait.
func (l *limiter) take(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[address]
	if !now.Before(c.until) {
		c = count{until: now.Add(l.window)}
	}
	if c.n >= l.most {
		return c.until.Sub(now)
	}
	c.n++
	l.evict(now)
	l.counts[address] = c
	return 0
}

// refund takes one event back.
func (l *limiter) refund(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.counts[address]; c.n > 0 {
		c.n--
		l.counts[address] = c
	}
}

// evict removes expired windows if there are too many, or all if they are not
// expired.
func (l *limiter) evict(now time.Time) {
	if len(l.counts) >= maxAddresses {
		maps.DeleteFunc(l.counts, func(_ string, c count) bool { return !now.Before(c.until) })
	}
	if l.counts == nil || len(l.counts) >= maxAddresses {
		l.counts = map[string]count{}
	}
}

// wait returns how long to wait, without counting.
func (l *limiter) wait(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.counts[address]; now.Before(c.until) && c.n >= l.most {
		return c.until.Sub(now)
	}
	return 0
}

func bearerToken(r *http.Request) (string, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return strings.TrimSpace(token), ok
}
