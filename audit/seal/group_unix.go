//go:build unix

package seal

import (
	"os/exec"
	"syscall"
)

// ownGroup starts cmd in a process group of its own: it ends with all that it started, and an interrupt
// from the terminal, which lets dialogues under way end first, does not reach it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
