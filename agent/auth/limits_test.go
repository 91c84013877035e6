package auth

import (
	"fmt"
	"testing"
	"time"
)

func TestManyAddressesDoNotResetTheCountOfOne(t *testing.T) {
	l := limiter{most: 3, window: time.Minute}
	now := time.Unix(1_700_000_000, 0)
	for range l.most {
		if wait := l.take("guesser", now); wait != 0 {
			t.Fatalf("a first attempt waits %v", wait)
		}
	}
	for i := range 3 * maxAddresses {
		if wait := l.take(fmt.Sprint("other ", i), now); wait != 0 {
			t.Fatalf("address %d waits %v", i, wait)
		}
		if l.wait("guesser", now) == 0 {
			t.Fatalf("after %d other addresses the count was forgotten", i+1)
		}
	}
	if len(l.counts) > maxAddresses {
		t.Errorf("%d addresses are kept, want at most %d", len(l.counts), maxAddresses)
	}
}

func TestExpiredCountsMakeRoomFirst(t *testing.T) {
	l := limiter{most: 3, window: time.Minute}
	now := time.Unix(1_700_000_000, 0)
	for i := range maxAddresses {
		for range l.most {
			l.take(fmt.Sprint("old ", i), now)
		}
	}
	later := now.Add(2 * time.Minute)
	for i := range maxAddresses {
		l.take(fmt.Sprint("new ", i), later)
	}
	for i := range maxAddresses {
		if c := l.count(fmt.Sprint("new ", i)); c == nil || c.n != 1 {
			t.Fatalf("new address %d was forgotten before an expired one", i)
		}
	}
}
