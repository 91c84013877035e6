package auth

import (
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// maxAddresses bounds the memory of a limiter.
	maxAddresses = 10_000
	// samples is how many addresses are looked at to forget one.
	samples = 32
)

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
	c, known := l.counts[address]
	if !now.Before(c.until) {
		c = count{until: now.Add(l.window)}
	}
	if c.n >= l.most {
		return c.until.Sub(now)
	}
	if !known {
		l.makeRoom(now)
	}
	c.n++
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

// makeRoom makes room for one more address if there are too many: of a few, it
// forgets the one with the fewest events. So whoever has many addresses can't
// have the count of the one that guesses forgotten.
func (l *limiter) makeRoom(now time.Time) {
	if l.counts == nil {
		l.counts = map[string]count{}
	}
	if len(l.counts) < maxAddresses {
		return
	}
	seen, fewest, victim := 0, math.MaxInt, ""
	for address, c := range l.counts {
		n := c.n
		if !now.Before(c.until) {
			n = 0
		}
		if n < fewest {
			fewest, victim = n, address
		}
		if seen++; seen == samples {
			break
		}
	}
	delete(l.counts, victim)
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
