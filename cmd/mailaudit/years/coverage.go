package years

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"mailaudit/cmd/mailaudit/years/observe"
)

// Coverage counts what was seen, over many worlds. The zero value is ready for use.
type Coverage struct {
	mu     sync.Mutex
	counts map[string]int
}

// Add counts one more of a thing, such as "run status concluded".
func (c *Coverage) Add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[what]++
}

// Count is how often a thing was seen.
func (c *Coverage) Count(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[what]
}

// see counts what an observation shows.
func (c *Coverage) see(_ *World, what observe.What) {
	switch v := what.(type) {
	case observe.CommandBegan:
		c.Add("command " + v.When + ": " + commandOf(v.Args))
	case observe.CommandEnded:
		c.Add(fmt.Sprintf("exit %d: %s", v.Exit, commandOf(v.Args)))
	case observe.Crashed:
		when := "before"
		if v.After {
			when = "after"
		}
		c.Add("crash " + when + " " + v.Call)
	case observe.SignIn:
		c.Add("answer " + string(v.Answer))
	case observe.Mail:
		c.Add("relay " + string(v.Answer))
	case observe.SlackCall:
		c.Add("slack " + v.Method)
	case observe.Database:
		for _, r := range v.Runs {
			c.Add("run status " + r.Status)
			c.Add("run phase " + r.Phase)
		}
		for _, n := range v.Notices {
			c.Add("notice state " + n.State)
			c.Add("notice kind " + n.Kind)
			for _, i := range n.Items {
				c.Add("told verdict " + i.Verdict)
			}
		}
		for _, h := range v.Holds {
			c.Add("hold " + h.State)
		}
		for _, s := range v.Status {
			c.Add("verdict " + s.Verdict)
		}
	}
}

// commandOf is a command line without what differs from call to call.
func commandOf(args []string) string {
	var words []string
	for _, a := range args {
		if strings.HasPrefix(a, "--") {
			if a == "--changed" || a == "--dry-run" || a == "--accept-source" || a == "--exit-code" || a == "--provider" || a == "--tenant" || a == "--limit" || a == "--key" {
				words = append(words, a)
			}
			continue
		}
		if len(words) < 2 && !strings.ContainsAny(a, "0123456789@") && !slices.Contains([]string{"no-such-run", "no-such-account"}, a) && (len(words) == 0 || twoWords[words[0]]) {
			words = append(words, a)
		}
	}
	return strings.Join(words, " ")
}

var twoWords = map[string]bool{"notices": true, "accounts": true, "keys": true}

// Missing lists what was never seen of what should have been.
func (c *Coverage) Missing(want []string) (missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range want {
		if c.counts[w] == 0 {
			missing = append(missing, w)
		}
	}
	return missing
}

// Write prints the table.
func (c *Coverage) Write(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(c.counts), cmp.Compare[string])
	for _, k := range keys {
		fmt.Fprintf(w, "%9d  %s\n", c.counts[k], k)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Expected is what long plays meet all of.
func Expected(store string) (all []string) {
	for _, name := range eventNames {
		all = append(all, "event "+name)
	}
	for _, name := range commandNames {
		all = append(all, "step "+name)
	}
	for _, s := range []string{"running", "concluded", "incomplete", "stopped"} {
		all = append(all, "run status "+s)
	}
	for _, s := range []string{"queued", "held", "sent", "failed", "ambiguous", "shadowed", "suppressed", "sending", "forming"} {
		all = append(all, "notice state "+s)
	}
	for _, s := range []string{"finding", "reminder", "recovered", "correction", "ahead"} {
		all = append(all, "notice kind "+s)
	}
	for _, s := range []string{"open", "released", "discarded", "ended"} {
		all = append(all, "hold "+s)
	}
	for _, s := range []string{"compliant", "unproven", "single_factor", "app_password_required", "revoked", "invalid", "sign_in_blocked", "auth_disabled", "account_blocked", "unverified"} {
		all = append(all, "verdict "+s)
	}
	return all
}
