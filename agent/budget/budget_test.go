package budget

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func today(t *testing.T, l *Ledger) Amount {
	t.Helper()
	var used Amount
	if _, err := l.Reserve(func(today Amount) (Amount, error) { used = today; return Amount{}, nil }); err != nil {
		t.Fatal(err)
	}
	return used
}

func spend(t *testing.T, l *Ledger, tokens int) {
	t.Helper()
	if err := l.Settle(Amount{}, Amount{Tokens: tokens, Dollars: 0.5}); err != nil {
		t.Error(err)
	}
}

func TestDay(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 1, 1, 23, 59, 0, 0, time.UTC)
	pattern := filepath.Join(t.TempDir(), "data[1]")
	if err := os.Mkdir(pattern, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, directory := range []string{"", t.TempDir(), pattern} {
		l := &Ledger{Directory: directory, now: func() time.Time { return clock }}
		clock = time.Date(2026, 1, 1, 23, 59, 0, 0, time.UTC)
		today(t, l)
		spend(t, l, 3)
		spend(t, l, 4)
		if got := today(t, l); got != (Amount{7, 1}) {
			t.Errorf("used %+v", got)
		}
		clock = clock.Add(time.Minute)
		if got := today(t, l); got != (Amount{}) {
			t.Errorf("the next day %+v", got)
		}
		if old, _ := fs.Glob(os.DirFS(directory), "*2026-01-01*"); directory != "" && len(old) > 0 {
			t.Errorf("left %v in %s", old, directory)
		}
	}
}

// What one process spends counts in the others and after a restart.
func TestShared(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	one, two := &Ledger{Directory: directory}, &Ledger{Directory: directory}
	today(t, one)
	today(t, two)
	var group sync.WaitGroup
	for range 50 {
		for _, l := range []*Ledger{one, two} {
			group.Go(func() { spend(t, l, 1) })
		}
	}
	group.Wait()
	for _, l := range []*Ledger{one, two, {Directory: directory}} {
		if got := today(t, l); got != (Amount{100, 50}) {
			t.Errorf("used %+v", got)
		}
	}
}

// Agents with one directory for their data have a count each.
func TestAgentsApart(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	one, two := &Ledger{Agent: "one", Directory: directory}, &Ledger{Agent: "../two*", Directory: directory}
	today(t, one)
	today(t, two)
	spend(t, one, 3)
	spend(t, two, 4)
	if first, second := today(t, one), today(t, two); first.Tokens != 3 || second.Tokens != 4 {
		t.Errorf("used %+v and %+v", first, second)
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestReservations(t *testing.T) {
	t.Parallel()
	l := &Ledger{}
	reserved, err := l.Reserve(func(Amount) (Amount, error) { return Amount{Tokens: 10}, nil })
	if err != nil || today(t, l) != (Amount{Tokens: 10}) {
		t.Errorf("reserved %+v, %v", reserved, err)
	}
	if _, err := l.Reserve(func(Amount) (Amount, error) { return Amount{}, errors.New("no") }); err == nil {
		t.Error("granted")
	}
	if err := l.Settle(reserved, Amount{Tokens: 2}); err != nil || today(t, l) != (Amount{Tokens: 2}) {
		t.Errorf("settled %v", err)
	}
}

// What can't be kept is counted all the same; what can't be read stops the answers.
func TestUnusableDirectory(t *testing.T) {
	t.Parallel()
	l := &Ledger{Directory: filepath.Join(t.TempDir(), "none")}
	today(t, l)
	if err := l.Settle(Amount{}, Amount{Tokens: 2}); err == nil || today(t, l) != (Amount{Tokens: 2}) {
		t.Errorf("%v", err)
	}
	l = &Ledger{Directory: t.TempDir()}
	today(t, l)
	if err := os.Mkdir(l.path(), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Reserve(func(Amount) (Amount, error) { return Amount{}, nil }); err == nil {
		t.Error("a directory was read")
	}
}

func TestConversations(t *testing.T) {
	t.Parallel()
	l := &Ledger{}
	for n := range maxConversations + 1 {
		l.Remember(string(rune(n)), Amount{Tokens: n})
	}
	if l.Conversation(string(rune(0))).Tokens != 0 || l.Conversation(string(rune(1))).Tokens != 1 {
		t.Error("the oldest one is remembered, or one more is not")
	}
}
