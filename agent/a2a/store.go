package a2a

import (
	"slices"
	"sync"
	"time"
)

const (
	maxTasks = 1000
	maxBytes = 32 << 20
)

// Store keeps the newest tasks and conversations, within bounds.
type Store struct {
	mu            sync.Mutex
	tasks         map[string]*task
	conversations map[string]*conversation
	// order are the tasks, oldest first.
	order []*task
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{tasks: map[string]*task{}, conversations: map[string]*conversation{}}
}

func (s *Store) task(id string) *task {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[id]
}

// context returns the conversation with an id, a new one for an empty id. A caller that
// others do not know must not join a conversation by guessing its name, so names that
// callers choose are refused there.
func (s *Store) context(id string, isShared bool) (*conversation, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.conversations[id]; known != nil {
		return known, nil
	}
	if id != "" && isShared {
		return nil, invalidParams("message.contextId", "is not known here: leave it out to begin a conversation")
	}
	if len(id) > 256 {
		return nil, invalidParams("message.contextId", "has more than 256 characters")
	}
	return newContext(id), nil
}

func (s *Store) add(t *task) {
	s.mu.Lock()
	s.tasks[t.id] = t
	s.conversations[t.conversation.id] = t.conversation
	s.order = append(s.order, t)
	s.mu.Unlock()
	s.trim()
}

// trim forgets the oldest tasks that do not work beyond the bounds, and conversations
// without a task.
func (s *Store) trim() {
	s.mu.Lock()
	defer s.mu.Unlock()
	used := map[*conversation]int{}
	size := 0
	for _, t := range s.order {
		t.forgetUpdates(time.Now().Add(-time.Minute))
		used[t.conversation]++
		size += t.size()
	}
	for c := range used {
		size += c.size()
	}
	kept := s.order[:0]
	count := len(s.order)
	for _, t := range s.order {
		_, now, _ := t.next(0)
		if count <= maxTasks && size <= maxBytes || now == working {
			kept = append(kept, t)
			continue
		}
		count--
		size -= t.size()
		delete(s.tasks, t.id)
		if used[t.conversation]--; used[t.conversation] == 0 {
			size -= t.conversation.size()
			delete(s.conversations, t.conversation.id)
		}
	}
	clear(s.order[len(kept):])
	s.order = kept
}

// newestFirst returns the tasks, those with the newest status first.
func (s *Store) newestFirst() []*task {
	s.mu.Lock()
	tasks := slices.Clone(s.order)
	s.mu.Unlock()
	slices.SortStableFunc(tasks, func(a, b *task) int { return b.changedAt().Compare(a.changedAt()) })
	return tasks
}
