package memory

import "syscall"

// MiB that the kernel counts in addition: the C library reserves a stack of 8 MiB
// for each thread, which counts as data even while it is unused.
const reserve = 256

func limitData(mib int) error {
	want := uint64(mib+reserve) * mebibyte
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_DATA, &limit); err != nil {
		return err
	}
	if limit.Cur <= want {
		return nil
	}
	limit.Cur, limit.Max = want, min(want, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &limit)
}
