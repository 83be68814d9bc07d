package bench

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var processes = flag.String("processes", "1,4", "how many processes make TestLatency's nights, separated by commas")

// answers is how many a conversation waits for: the greeting, EHLO, AUTH, QUIT.
const answers = 4

// Nights that the provider's latency bounds, from the programs' start to their end, beside what the provider alone takes: an
// installation's first night, which has to find what the provider bears, and one that knows it from the night
// before. With make latency.
func TestLatency(t *testing.T) {
	if *accounts == 0 || *latency == 0 {
		t.Skip("make latency runs it")
	}
	s := newStage(t)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d accounts, %v an answer, %d at once in a process\tprocesses\tat least s\ttook s\tmore\ttimes as fast\t\n", *accounts, *latency, *width)
	one := map[string]time.Duration{}
	for i, text := range strings.Split(*processes, ",") {
		n, err := strconv.Atoi(text)
		must(t, err)
		in := s.newNight(t, "postgres", i)
		for _, which := range []string{"first", "usual"} {
			took := in.together(t, which, n)
			t.Logf("%d processes, %s night: %.1f s", n, which, took.Seconds())
			if n == 1 {
				one[which] = took
			}
			least := time.Duration(*accounts) * answers * *latency / time.Duration(*width*n)
			fmt.Fprintf(w, "%s night\t%d\t%.1f\t%.1f\t%.1f%%\t%.2f\t\n", which, n, least.Seconds(), took.Seconds(),
				100*(took.Seconds()/least.Seconds()-1), one[which].Seconds()/took.Seconds())
		}
	}
	w.Flush()
	fmt.Print(b.String())
}

// together has n processes make one night.
func (n *night) together(t *testing.T, key string, processes int) time.Duration {
	t.Helper()
	began := time.Now()
	var all []*exec.Cmd
	for i := range processes {
		log, err := os.Create(n.path(fmt.Sprintf("%s-%d.log", key, i)))
		must(t, err)
		defer log.Close()
		cmd := n.command("run", "--key", key)
		cmd.Stderr = log
		must(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill() })
		all = append(all, cmd)
	}
	var failed error
	for _, cmd := range all {
		failed = errors.Join(failed, cmd.Wait())
	}
	took := time.Since(began)
	must(t, failed)
	n.verified(t, key)
	return took
}
