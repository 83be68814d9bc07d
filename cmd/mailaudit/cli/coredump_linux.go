package cli

import "syscall"

const prSetDumpable = 4 // linux/prctl.h

// forbidCoreDumps keeps opened secrets out of files that a crash would leave, and other processes of the same
// user from reading this one's memory. What the kernel refuses is no reason not to start.
func forbidCoreDumps() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0)
}
