// Package newest keeps the newest entries of a map.
package newest

import "sync"

// Map is a map that forgets its oldest entries. The zero Map is ready to use, and safe
// for concurrent use.
type Map[V any] struct {
	mu     sync.Mutex
	values map[string]V
	// order has the keys, the oldest first.
	order []string
}

// Get returns the value of a key.
func (m *Map[V]) Get(key string) (value V, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, found = m.values[key]
	return value, found
}

// Set sets the value of a key. A new key beyond most takes the place of the oldest one.
func (m *Map[V]) Set(key string, value V, most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string]V{}
	}
	if _, known := m.values[key]; !known {
		m.order = append(m.order, key)
	}
	m.values[key] = value
	if len(m.order) > most {
		delete(m.values, m.order[0])
		m.order = m.order[1:]
	}
}
