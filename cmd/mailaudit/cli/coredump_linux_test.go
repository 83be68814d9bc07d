package cli

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const prGetDumpable = 3 // linux/prctl.h

// A process of its own, because what is forbidden once stays forbidden.
func TestNoCoreDumps(t *testing.T) {
	if os.Getenv("MAILAUDIT_TEST_COREDUMP") == "" {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestNoCoreDumps$")
		c.Env = append(os.Environ(), "MAILAUDIT_TEST_COREDUMP=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	forbidCoreDumps()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("core files of %d bytes are allowed (%v)", limit.Cur, err)
	}
	if dumpable, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prGetDumpable, 0, 0); errno != 0 || dumpable != 0 {
		t.Errorf("dumpable is %d (%v)", dumpable, errno)
	}
}
