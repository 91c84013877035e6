package fileserver

import (
	"io/fs"
	"syscall"
	"time"
)

// fileVersion identifies the content of a file. Unlike the modification time, a
// program cannot set the change time that the kernel maintains.
type fileVersion struct {
	device, inode uint64
	size          int64
	changed       int64
}

// versionOf returns the version of a file and whether it last changed before since.
// Only then is the version unique to its content: a later change could repeat
// within the resolution of the change time.
func versionOf(info fs.FileInfo, since time.Time) (fileVersion, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileVersion{}, false
	}
	changed := time.Unix(int64(stat.Ctim.Sec), int64(stat.Ctim.Nsec))
	return fileVersion{uint64(stat.Dev), stat.Ino, stat.Size, changed.UnixNano()}, changed.Before(since)
}
