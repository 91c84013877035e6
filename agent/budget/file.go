package budget

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Tools leave hidden files alone: what an agent counts is not for its model to write.
const filePrefix = ".spent-"

// refresh begins a new day where there is one, and reads what was added to its file.
func (l *Ledger) refresh() error {
	now := time.Now
	if l.now != nil {
		now = l.now
	}
	if today := now().UTC().Format(time.DateOnly); today != l.day {
		l.day, l.file, l.own, l.read = today, Amount{}, Amount{}, 0
		l.removeOld()
	}
	if l.Directory == "" {
		return nil
	}
	file, err := os.Open(l.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what was spent today: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(l.read, io.SeekStart); err != nil {
		return fmt.Errorf("read what was spent today: %w", err)
	}
	return l.add(bufio.NewReader(file))
}

// add reads whole lines: another process may be writing the last one.
func (l *Ledger) add(in *bufio.Reader) error {
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what was spent today: %w", err)
		}
		var entry Amount
		if json.Unmarshal(line, &entry) == nil && entry.Tokens >= 0 && entry.Dollars >= 0 {
			l.file = l.file.Plus(entry)
		}
		l.read += int64(len(line))
	}
}

// write appends a line: appending needs no lock between processes.
func (l *Ledger) write(used Amount) error {
	line, err := json.Marshal(used)
	if err != nil {
		return fmt.Errorf("keep what was spent: %w", err)
	}
	file, err := os.OpenFile(l.path(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep what was spent: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep what was spent: %w", err)
	}
	return nil
}

func (l *Ledger) path() string { return l.pathOf(l.day) }

func (l *Ledger) pathOf(day string) string {
	return filepath.Join(l.Directory, filePrefix+url.QueryEscape(l.Agent)+"-"+day+".jsonl")
}

func (l *Ledger) removeOld() {
	if l.Directory == "" {
		return
	}
	// The directory itself is no pattern, whatever its name.
	old, _ := fs.Glob(os.DirFS(l.Directory), filepath.Base(l.pathOf("????-??-??")))
	for _, name := range old {
		if path := filepath.Join(l.Directory, name); path < l.path() {
			_ = os.Remove(path)
		}
	}
}
