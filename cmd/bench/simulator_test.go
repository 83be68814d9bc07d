package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// The simulated Google in a process of its own.

const (
	googleHost  = "smtp.gmail.com"
	appPassword = "abcdefghijklmnop"
)

func login(n int) string { return fmt.Sprintf("front%07d@clinic%05d.example", n, n/7) }

// place is where the simulated provider stands.
type place struct{ TLS, STARTTLS, CA string }

// simulate plays Google until standard input ends: its arguments are accounts and latency.
func simulate() error {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	wait, err := time.ParseDuration(os.Args[2])
	if err != nil {
		return err
	}
	authority, err := sim.NewAuthority()
	if err != nil {
		return err
	}
	world := sim.NewWorld()
	for i := range n {
		world.Set(login(i), sim.Account{AppPasswords: []string{appPassword}, TwoFactor: true})
	}
	server, err := sim.Start(sim.Google(), sim.Options{Authority: authority, World: world, Mood: sim.Mood{Latency: wait}})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(place{TLS: server.TLSAddr(), STARTTLS: server.STARTTLSAddr(), CA: string(authority.PEM())}); err != nil {
		return err
	}
	io.Copy(io.Discard, os.Stdin)
	return out.Encode(server.Counters())
}

type simulator struct {
	place
	cmd   *exec.Cmd
	stop  io.Closer
	lines *bufio.Reader
}

func startSimulator(t *testing.T) *simulator {
	t.Helper()
	s := &simulator{cmd: inRole(t, simulatorRole, strconv.Itoa(*accounts), latency.String())}
	in, err := s.cmd.StdinPipe()
	must(t, err)
	out, err := s.cmd.StdoutPipe()
	must(t, err)
	s.stop, s.lines = in, bufio.NewReader(out)
	must(t, s.cmd.Start())
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	line, err := s.lines.ReadBytes('\n')
	must(t, err)
	must(t, json.Unmarshal(line, &s.place))
	return s
}

// close ends the simulator and gives what it counted.
func (s *simulator) close(t *testing.T) (n sim.Counters) {
	t.Helper()
	must(t, s.stop.Close())
	line, err := s.lines.ReadBytes('\n')
	must(t, err)
	must(t, json.Unmarshal(line, &n))
	return n
}

// inRole is this test binary as something else.
func inRole(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}
