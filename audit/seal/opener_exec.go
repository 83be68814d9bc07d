package seal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"sync"
	"time"
)

// program makes the way to a command of the operator's.
func program(command string, env []string, log *slog.Logger) (func(context.Context) (*link, error), error) {
	words, err := Words(command)
	if err != nil {
		return nil, fmt.Errorf("its command %w", err)
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, fmt.Errorf("find its program: %w", err)
	}
	return func(context.Context) (*link, error) { return spawn(path, words, env, log) }, nil
}

func spawn(path string, words, env []string, log *slog.Logger) (*link, error) {
	cmd := &exec.Cmd{Path: path, Args: words, Env: append([]string{}, env...)} // nil would be our own
	ownGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start it: %w", err)
	}
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		countLines(stderr, log)
	}()
	kill := func() {
		killGroup(cmd)
		// A grandchild that left the group may still hold the other ends.
		stdin.Close()
		stdout.Close()
		stderr.Close()
	}
	return &link{
		answers: stdout, questions: stdin, kill: sync.OnceFunc(kill),
		wait: func() error {
			<-counted // Wait would close what is not read yet
			return cmd.Wait()
		},
	}, nil
}

// stderrEvery is how often the log hears that the opener writes to standard error.
const stderrEvery = time.Minute

// countLines reads to the end and tells how many lines came. What stands in them is not ours to show: an
// opener in trouble may well write secrets.
func countLines(r io.Reader, log *slog.Logger) {
	var lines int
	var told time.Time
	tell := func() {
		if lines > 0 {
			log.Warn("the opener wrote to standard error; its text may hold secrets and is not kept, run it by hand to read it", "lines", lines)
		}
		lines, told = 0, time.Now()
	}
	buffer := make([]byte, 4<<10)
	for {
		n, err := r.Read(buffer)
		lines += bytes.Count(buffer[:n], []byte{'\n'})
		if err != nil {
			tell()
			return
		}
		if time.Since(told) >= stderrEvery {
			tell()
		}
	}
}
