package bench

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// usage is what one process used.
type usage struct {
	user, system, wall time.Duration
	peak               int           // KiB resident
	database           time.Duration // CPU of PostgreSQL meanwhile
}

func (u usage) cpu() time.Duration { return u.user + u.system }

func (u usage) String() string {
	return fmt.Sprintf("%.2f s user, %.2f s system, %.1f s wall, %d MiB at most, database %.2f s", u.user.Seconds(), u.system.Seconds(), u.wall.Seconds(), u.peak/1024, u.database.Seconds())
}

// measured runs a program to its end. Its standard error is kept in a file, as a log would be.
func measured(t *testing.T, log string, cmd *exec.Cmd) usage {
	t.Helper()
	file, err := os.Create(log)
	must(t, err)
	defer file.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = io.Discard
	}
	cmd.Stderr = file
	began := time.Now()
	must(t, cmd.Start())
	ended := make(chan struct{})
	peak := make(chan int)
	go func() { peak <- watchPeak(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	wall := time.Since(began)
	close(ended)
	most := <-peak
	if err != nil {
		said, _ := os.ReadFile(log)
		t.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, said[max(0, len(said)-4000):])
	}
	return usage{user: cmd.ProcessState.UserTime(), system: cmd.ProcessState.SystemTime(), wall: wall, peak: most}
}

// watchPeak reads the kernel's high-water mark: what wait4 tells includes the memory of whoever forked.
func watchPeak(pid int, ended <-chan struct{}) (most int) {
	for {
		most = max(most, highWater(pid))
		select {
		case <-ended:
			return most
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// highWater is the most that a process has had resident, in KiB; 0 where it has ended.
func highWater(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

const ticksPerSecond = 100 // USER_HZ

// familyCPU is the CPU time of a process and of all that it ever forked.
func familyCPU(t *testing.T, pid int) time.Duration {
	t.Helper()
	var ticks int
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	for _, name := range all {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		f := strings.Fields(rest)
		own := filepath.Base(filepath.Dir(name)) == strconv.Itoa(pid)
		if !own && f[1] != strconv.Itoa(pid) {
			continue
		}
		for _, field := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime
			n, err := strconv.Atoi(f[field])
			must(t, err)
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
