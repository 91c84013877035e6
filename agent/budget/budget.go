// Package budget counts what answers use: of a conversation, and of a day.
package budget

import (
	"sync"
	"time"

	"agent.local/a0000000000000000/newest"
)

// Conversations that are remembered; older ones begin anew, as after a restart.
const maxConversations = 10_000

// Amount is what answers used: tokens, and dollars where the price is known.
type Amount struct {
	Tokens  int     `json:"tokens"`
	Dollars float64 `json:"dollars,omitempty"`
}

// Plus returns the sum of two amounts.
func (a Amount) Plus(b Amount) Amount { return Amount{a.Tokens + b.Tokens, a.Dollars + b.Dollars} }

// Minus returns what is left of an amount.
func (a Amount) Minus(b Amount) Amount { return Amount{a.Tokens - b.Tokens, a.Dollars - b.Dollars} }

// AtLeast returns the larger of each part of two amounts.
func (a Amount) AtLeast(b Amount) Amount {
	return Amount{max(a.Tokens, b.Tokens), max(a.Dollars, b.Dollars)}
}

// Ledger counts the amounts of a day, in UTC, and of conversations. With a Directory the
// day's are kept in a file there, which several processes of the Agent share and a restart
// keeps; the others end with the process. The zero Ledger is ready to use.
type Ledger struct {
	Agent, Directory string

	mu  sync.Mutex
	now func() time.Time
	day string
	// file is the sum of the day's file up to read, own what is in no file.
	file, own Amount
	read      int64
	// reserved is what answers that have not ended may use.
	reserved      Amount
	conversations newest.Map[Amount]
}

// Reserve asks grant for an amount, with what was used today and what others have
// reserved, and reserves that until Settle.
func (l *Ledger) Reserve(grant func(today Amount) (Amount, error)) (Amount, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(); err != nil {
		return Amount{}, err
	}
	amount, err := grant(l.file.Plus(l.own).Plus(l.reserved))
	if err == nil {
		l.reserved = l.reserved.Plus(amount)
	}
	return amount, err
}

// Settle ends a reservation with what was used.
func (l *Ledger) Settle(reserved, used Amount) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved = l.reserved.Minus(reserved)
	if used == (Amount{}) {
		return nil
	}
	if l.Directory == "" {
		l.own = l.own.Plus(used)
		return nil
	}
	err := l.write(used)
	if err != nil {
		// The next answer must not be free because a disk is full.
		l.own = l.own.Plus(used)
	}
	return err
}

// Conversation returns what a conversation used, by a key of its last exchange.
func (l *Ledger) Conversation(key string) Amount {
	amount, _ := l.conversations.Get(key)
	return amount
}

// Remember keeps what a conversation used.
func (l *Ledger) Remember(key string, amount Amount) {
	l.conversations.Set(key, amount, maxConversations)
}
