package loader

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SumsFile is the list of digests in a download, in the format of the sha256sum
// command.
const SumsFile = "SHA256SUMS"

// CheckSum compares the file at path with the SHA256SUMS beside it, and returns
// a *MismatchError if they differ. It returns nil if there is no such list or it
// does not name the file.
func CheckSum(path string) error {
	want, err := listedSum(filepath.Join(filepath.Dir(path), SumsFile), filepath.Base(path))
	if err != nil || want == "" {
		return err
	}
	got, err := sumOf(path)
	if err != nil {
		return err
	}
	if got != want {
		return mismatch(SumsFile, "its SHA-256 is %s, the list has %s: the file is damaged; download it again", got, want)
	}
	return nil
}

// sumOf returns the SHA-256 of a file, in hex.
func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// listedSum returns the digest of a file in a list, empty if there is none.
func listedSum(list, name string) (string, error) {
	file, err := os.Open(list)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		sum, rest, ok := strings.Cut(lines.Text(), " ")
		// A second space marks text mode, an asterisk binary mode.
		if ok && strings.TrimLeft(rest, " *") == name {
			return strings.ToLower(sum), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("read %s: %w", SumsFile, err)
	}
	return "", nil
}
