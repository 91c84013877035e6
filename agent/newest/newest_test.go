package newest

import (
	"strconv"
	"sync"
	"testing"
)

func TestMap(t *testing.T) {
	t.Parallel()
	var m Map[int]
	if _, found := m.Get("0"); found {
		t.Error("an empty map has an entry")
	}
	for n := range 4 {
		m.Set(strconv.Itoa(n), n, 3)
		m.Set("1", 10+n, 3)
	}
	for key, want := range map[string]int{"1": 13, "2": 2, "3": 3} {
		if got, found := m.Get(key); got != want || !found {
			t.Errorf("%s is %d, %v", key, got, found)
		}
	}
	if _, found := m.Get("0"); found || len(m.values) != 3 || len(m.order) != 3 {
		t.Errorf("kept %v in the order %v", m.values, m.order)
	}
}

func TestMapManyAtOnce(t *testing.T) {
	t.Parallel()
	var m Map[int]
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			m.Set(strconv.Itoa(n), n, 20)
			_, _ = m.Get(strconv.Itoa(n))
		})
	}
	all.Wait()
	if len(m.values) != 20 || len(m.order) != 20 {
		t.Errorf("kept %d", len(m.values))
	}
}
