package facts

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"agent.local/a0000000000000000/tools/datadir"
	"agent.local/a0000000000000000/untrusted"
)

const (
	maxFact  = 1000
	maxFile  = 1 << 20
	maxFound = 20
)

// Several answers of one process may write at the same time.
var writing sync.Mutex

// store is a file of facts, one entry a line, that only grows.
type store struct{ directory string }

// entry is a fact, or that one was forgotten.
type entry struct {
	ID     string `json:"id"`
	Text   string `json:"text,omitempty"`
	At     string `json:"at,omitempty"`
	Forget bool   `json:"forget,omitempty"`
}

func (s store) save(text string) (string, error) {
	text = strings.Join(strings.Fields(untrusted.Clean(text)), " ")
	if text == "" || utf8.RuneCountInString(text) > maxFact {
		return "", fmt.Errorf("a fact has 1 to %d characters", maxFact)
	}
	facts, err := s.read()
	if err != nil {
		return "", err
	}
	if at := slices.IndexFunc(facts, func(e entry) bool { return strings.EqualFold(e.Text, text) }); at >= 0 {
		return "already saved as " + facts[at].ID, nil
	}
	id := strings.ToLower(rand.Text()[:8])
	if err := s.add(entry{ID: id, Text: text, At: time.Now().UTC().Format(time.DateOnly)}); err != nil {
		return "", err
	}
	return "saved as " + id, nil
}

func (s store) forget(id string) (string, error) {
	facts, err := s.read()
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(facts, func(e entry) bool { return e.ID == id }) {
		return "", fmt.Errorf("there is no fact %q", id)
	}
	if err := s.add(entry{ID: id, Forget: true}); err != nil {
		return "", err
	}
	return "forgotten", nil
}

// find returns the facts that share the most words with the query, the newest first
// among equals.
func (s store) find(query string) (string, error) {
	facts, err := s.read()
	if err != nil {
		return "", err
	}
	slices.Reverse(facts)
	wanted := words(query)
	if len(wanted) > 0 {
		score := func(e entry) int {
			return len(slices.DeleteFunc(words(e.Text), func(w string) bool { return !slices.Contains(wanted, w) }))
		}
		facts = slices.DeleteFunc(facts, func(e entry) bool { return score(e) == 0 })
		slices.SortStableFunc(facts, func(a, b entry) int { return cmp.Compare(score(b), score(a)) })
	}
	if len(facts) == 0 {
		return "no fact was found", nil
	}
	var lines []string
	for _, e := range facts[:min(len(facts), maxFound)] {
		lines = append(lines, fmt.Sprintf("%s (%s): %s", e.ID, e.At, e.Text))
	}
	return strings.Join(lines, "\n"), nil
}

// words returns the distinct words of a text in lower case.
func words(text string) []string {
	split := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.Compact(slices.Sorted(slices.Values(split)))
}

func (s store) read() ([]entry, error) {
	root, err := os.OpenRoot(s.directory)
	if err != nil {
		return nil, errDirectory
	}
	defer root.Close()
	file, err := root.Open(datadir.FactsFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errDirectory
	}
	defer file.Close()
	var facts []entry
	lines := bufio.NewScanner(io.LimitReader(file, 2*maxFile))
	lines.Buffer(nil, maxFile)
	for lines.Scan() {
		var e entry
		// A line that a crash cut off is no fact.
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		facts = slices.DeleteFunc(facts, func(old entry) bool { return e.Forget && old.ID == e.ID })
		if !e.Forget {
			facts = append(facts, e)
		}
	}
	return facts, nil
}

var errDirectory = errors.New("the directory for facts can't be used; tell the user")

// add appends an entry in one write, after a line that a crash may have cut off.
func (s store) add(e entry) error {
	writing.Lock()
	defer writing.Unlock()
	root, err := os.OpenRoot(s.directory)
	if err != nil {
		return errDirectory
	}
	defer root.Close()
	file, err := root.OpenFile(datadir.FactsFile, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return errDirectory
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return errDirectory
	}
	encoded, _ := json.Marshal(e)
	if info.Size()+int64(len(encoded)) > maxFile {
		return errors.New("the file of facts is full; tell the user")
	}
	last := []byte{'\n'}
	if info.Size() > 0 {
		_, _ = file.ReadAt(last, info.Size()-1)
	}
	line := append(encoded, '\n')
	if !bytes.Equal(last, []byte{'\n'}) {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := file.Write(line); err != nil {
		return errDirectory
	}
	return file.Sync()
}
