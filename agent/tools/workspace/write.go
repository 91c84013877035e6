package workspace

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"unicode/utf8"
)

const (
	maxWrite = 1 << 20
	// What the directory may hold in all before the tool stops adding to it.
	maxTotal = 64 << 20
	maxFiles = 5_000
)

// Several answers of one process may write at the same time.
var writing sync.Mutex

// write replaces a file in one step: whoever reads it sees the old text or the new one.
func (f folder) write(in input) (string, error) {
	name, err := checked(in.Path)
	if err != nil {
		return "", err
	}
	root, err := f.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	writing.Lock()
	defer writing.Unlock()
	text, mode, err := whole(root, name, in)
	if err != nil {
		return "", err
	}
	if len(text) > maxWrite || !utf8.ValidString(text) {
		return "", fmt.Errorf("a file that is written has at most %d MB of text", maxWrite>>20)
	}
	if err := hasRoom(root, len(text)); err != nil {
		return "", err
	}
	if err := replace(root, name, text, mode); err != nil {
		return "", fmt.Errorf("%s was not written: %w", name, reasonOf(err, name))
	}
	return fmt.Sprintf("wrote %s, %d bytes", name, len(text)), nil
}

// whole returns the text that the file will have, and its permissions.
func whole(root *os.Root, name string, in input) (string, fs.FileMode, error) {
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return in.Text, 0o600, nil
	case err != nil || !info.Mode().IsRegular():
		return "", 0, reasonOf(err, name)
	case !in.Append:
		return in.Text, info.Mode().Perm(), nil
	}
	old, err := textOf(root, name)
	return old + in.Text, info.Mode().Perm(), err
}

// hasRoom returns an error if the directory is full.
func hasRoom(root *os.Root, more int) error {
	files, total := 0, int64(more)
	err := fs.WalkDir(root.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			// What can't be read was not written here.
			return nil
		}
		if files++; files > maxFiles {
			return fs.SkipAll
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	if err != nil {
		return errDirectory
	}
	if files > maxFiles || total > maxTotal {
		return fmt.Errorf("the directory is full: it may hold %d files and %d MB; tell the user", maxFiles, maxTotal>>20)
	}
	return nil
}

// replace writes a file beside the old one, and renames it.
func replace(root *os.Root, name, text string, mode fs.FileMode) error {
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	temporary := path.Join(path.Dir(name), ".writing-"+rand.Text()[:12])
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		_ = root.Remove(temporary)
	}
	return err
}
