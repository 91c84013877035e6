package auth

import (
	"container/list"
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
	counts map[string]*list.Element
	// oldest holds every *count, the one whose window began first in front.
	oldest list.List
}

type count struct {
	address string
	n       int
	until   time.Time
}

// take counts one event. If that is one too many, it counts nothing and returns
// how long to wait.
func (l *limiter) take(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgetExpired(now)
	c := l.count(address)
	if c == nil {
		c = l.add(address, now)
	}
	if c.n >= l.most {
		return c.until.Sub(now)
	}
	c.n++
	return 0
}

// refund takes one event back.
func (l *limiter) refund(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.count(address); c != nil && c.n > 0 {
		c.n--
	}
}

// count returns what is counted of an address, or nil.
func (l *limiter) count(address string) *count {
	if element := l.counts[address]; element != nil {
		return element.Value.(*count)
	}
	return nil
}

// add begins the window of an address, and makes room for it first.
func (l *limiter) add(address string, now time.Time) *count {
	if l.counts == nil {
		l.counts = map[string]*list.Element{}
	}
	if len(l.counts) >= maxAddresses {
		l.forget(l.fewest())
	}
	c := &count{address: address, until: now.Add(l.window)}
	l.counts[address] = l.oldest.PushBack(c)
	return c
}

// fewest returns the address with the fewest events, of a few. So whoever has
// many addresses can't have the count of the one that guesses forgotten.
func (l *limiter) fewest() string {
	seen, fewest, victim := 0, math.MaxInt, ""
	for address := range l.counts {
		if n := l.count(address).n; n < fewest {
			fewest, victim = n, address
		}
		if seen++; seen == samples {
			break
		}
	}
	return victim
}

// forgetExpired forgets every address whose window has ended.
func (l *limiter) forgetExpired(now time.Time) {
	for front := l.oldest.Front(); front != nil; front = l.oldest.Front() {
		c := front.Value.(*count)
		if now.Before(c.until) {
			return
		}
		l.forget(c.address)
	}
}

func (l *limiter) forget(address string) {
	l.oldest.Remove(l.counts[address])
	delete(l.counts, address)
}

// wait returns how long to wait, without counting.
func (l *limiter) wait(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.count(address); c != nil && now.Before(c.until) && c.n >= l.most {
		return c.until.Sub(now)
	}
	return 0
}

func bearerToken(r *http.Request) (string, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return strings.TrimSpace(token), ok
}
