package fileserver

import (
	"io/fs"
	"syscall"
	"time"
)

// stamp stands for a content of a file. Unlike the other times, that of the
// last change is the kernel's own: nobody can set it back.
type stamp struct {
	device, inode uint64
	size          int64
	changed       int64
}

// stampOf returns a file's stamp, and whether it lasts: only what has not
// changed since then can't have changed twice at the same time.
func stampOf(info fs.FileInfo, since time.Time) (stamp, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}, false
	}
	changed := time.Unix(int64(stat.Ctim.Sec), int64(stat.Ctim.Nsec))
	return stamp{uint64(stat.Dev), stat.Ino, stat.Size, changed.UnixNano()}, changed.Before(since)
}
