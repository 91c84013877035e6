package memory

import "syscall"

// MiB that the kernel counts in addition: the C library reserves a stack of 8 MiB
// for each thread, which counts as data even while it is unused.
const reserve = 256

// original is the limit that this process was started with.
var original syscall.Rlimit

func limitData(mib int) error {
	want := uint64(mib+reserve) * mebibyte
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_DATA, &limit); err != nil {
		return err
	}
	if original == (syscall.Rlimit{}) {
		original = limit
	}
	if limit.Cur <= want {
		return nil
	}
	limit.Cur = want
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &limit)
}

// Unlimited starts another program as if this process had no limit of its own, which the
// other one would inherit.
func Unlimited(start func() error) error {
	var own syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_DATA, &own)
	if err != nil || original == (syscall.Rlimit{}) || syscall.Setrlimit(syscall.RLIMIT_DATA, &original) != nil {
		return start()
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_DATA, &own) }()
	return start()
}
