package memory

import "syscall"

// What the kernel counts on top: the C library gives each thread a stack of
// 8 MiB, which is data to it though hardly any of it is ever filled.
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
