package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"agent.local/a0000000000000000/tools/datadir"
)

const (
	maxPath    = 300
	maxRead    = 4 << 20
	maxEntries = 200
	// Characters of one result; "from" reads on.
	maxText = 12_000
)

var errDirectory = errors.New("the directory of the files can't be used; tell the user")

// folder is the path of the directory. Each call opens it anew, so it may be replaced.
type folder string

func (f folder) open() (*os.Root, error) {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, errDirectory
	}
	return root, nil
}

// checked returns a path that has one spelling only, so that rules on paths can't be
// avoided by another one. Hidden files are nobody's notes: they hold keys and settings
// of other programs, and what this agent counts.
func checked(given string) (string, error) {
	switch {
	case given == "":
		return "", errors.New("give the path of a file, such as notes/plan.md")
	case len(given) > maxPath || !utf8.ValidString(given) || strings.ContainsFunc(given, isOdd):
		return "", fmt.Errorf("a path has up to %d ordinary characters, with / between folders", maxPath)
	case path.Clean(given) != given || path.IsAbs(given) || !fs.ValidPath(given) || given == ".":
		return "", fmt.Errorf("%q is not a plain path in the directory, such as notes/plan.md", given)
	case strings.EqualFold(given, datadir.FactsFile):
		return "", fmt.Errorf("%s has the agent's facts, which have tools of their own", given)
	}
	for _, name := range strings.Split(given, "/") {
		// Windows ignores dots and spaces at the end of a name.
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.TrimSpace(name) != name {
			return "", fmt.Errorf("%q has a name that begins or ends with a dot or a space; such files are left alone", given)
		}
	}
	return given, nil
}

// isOdd reports characters that no path should have: control characters, and those
// that mean something to Windows.
func isOdd(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\:*?"<>|`, r) }

func (f folder) list(in input) (string, error) {
	name := "."
	if in.Path != "" && in.Path != "." {
		var err error
		if name, err = checked(strings.TrimSuffix(in.Path, "/")); err != nil {
			return "", err
		}
	}
	root, err := f.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), name)
	if err != nil {
		return "", reasonOf(err, in.Path)
	}
	var lines []string
	for _, entry := range entries {
		if line := describe(entry); line != "" {
			lines = append(lines, line)
		}
	}
	switch {
	case len(lines) == 0:
		return "there are no files", nil
	case len(lines) > maxEntries:
		lines = append(lines[:maxEntries], fmt.Sprintf("(%d more)", len(lines)-maxEntries))
	}
	return strings.Join(lines, "\n"), nil
}

// describe returns a line about an entry; empty for what can't be read.
func describe(entry fs.DirEntry) string {
	name := entry.Name()
	if _, err := checked(name); err != nil {
		return ""
	}
	if entry.IsDir() {
		return name + "/"
	}
	info, err := entry.Info()
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return fmt.Sprintf("%s  %d bytes, %s", name, info.Size(), info.ModTime().UTC().Format(time.DateTime))
}

func (f folder) read(in input) (string, error) {
	name, err := checked(in.Path)
	if err != nil {
		return "", err
	}
	root, err := f.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	text, err := textOf(root, name)
	if err != nil {
		return "", err
	}
	runes := []rune(text)
	from := max(0, min(in.From, len(runes)))
	end := min(from+maxText, len(runes))
	part := string(runes[from:end])
	if end < len(runes) {
		part += fmt.Sprintf("\n\n(characters %d to %d of %d; read on with from: %d)", from, end, len(runes), end)
	}
	if part == "" {
		return "(nothing)", nil
	}
	return part, nil
}

// textOf returns the text of a regular file. It looks before it opens: opening a pipe
// waits for its other end.
func textOf(root *os.Root, name string) (string, error) {
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return "", reasonOf(err, name)
	}
	file, err := root.Open(name)
	if err != nil {
		return "", reasonOf(err, name)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", reasonOf(err, name)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxRead+1))
	if err != nil {
		return "", reasonOf(err, name)
	}
	if len(content) > maxRead {
		return "", fmt.Errorf("%s is larger than %d MB", name, maxRead>>20)
	}
	if !utf8.Valid(content) {
		return "", fmt.Errorf("%s is not text", name)
	}
	return strings.TrimPrefix(string(content), "\ufeff"), nil
}

// reasonOf returns words for the model, without the paths of this machine.
func reasonOf(err error, name string) error {
	switch {
	case err == nil:
		return fmt.Errorf("%s is not a file", name)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the agent may not use %s", name)
	}
	return fmt.Errorf("%s can't be used", name)
}
