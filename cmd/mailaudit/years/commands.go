package years

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
)

// command makes the command lines of an operator; several are begun at once, by as many people.
type command func(s *Stage, pick *rand.Rand) [][]string

// commands by name.
var commands = map[string]command{
	"duties":    duties,
	"run":       fixed("run"),
	"run twice": func(*Stage, *rand.Rand) [][]string { return [][]string{{"run"}, {"run"}} },
	"run --key": func(s *Stage, pick *rand.Rand) [][]string { return one("run", "--key", s.anyKey(pick)) },
	"run --provider": func(s *Stage, pick *rand.Rand) [][]string {
		return one("run", "--key", s.freshKey(), "--provider", oneOf(pick, kinds))
	},
	"run --tenant": func(s *Stage, pick *rand.Rand) [][]string {
		return one("run", "--key", s.freshKey(), "--tenant", oneOf(pick, s.w.tenants).id)
	},
	"run --limit": func(s *Stage, pick *rand.Rand) [][]string {
		return one("run", "--key", s.freshKey(), "--limit", fmt.Sprint(1+pick.IntN(9)))
	},
	"run --dry-run":       fixed("run", "--dry-run"),
	"run --exit-code":     fixed("run", "--exit-code"),
	"run --accept-source": fixed("run", "--accept-source"),
	"run --changed":       fixed("run", "--changed"),
	"deliver":             fixed("deliver"),
	"deliver twice":       func(*Stage, *rand.Rand) [][]string { return [][]string{{"deliver"}, {"deliver"}} },
	"check":               func(s *Stage, pick *rand.Rand) [][]string { return one("check", s.anyAccount(pick)) },
	"explain":             func(s *Stage, pick *rand.Rand) [][]string { return one("explain", s.anyAccount(pick)) },
	"report": func(s *Stage, pick *rand.Rand) [][]string {
		return one("report", s.anyKey(pick), "--format", oneOf(pick, []string{"text", "json", "csv", "html", "slack"}))
	},
	"accounts list":         fixed("accounts", "list", "--format", "json"),
	"notices list":          fixed("notices", "list", "--format", "json"),
	"notices stop":          fixed("notices", "stop", "--by", "alice"),
	"notices start":         fixed("notices", "start", "--by", "bob"),
	"notices preview":       fixed("notices", "preview"),
	"notices release":       release,
	"notices release twice": twice(release),
	"notices release wrong": func(s *Stage, pick *rand.Rand) [][]string {
		return one("notices", "release", "--run", s.anyKey(pick), "--provider", oneOf(pick, kinds), "--by", "alice")
	},
	"notices discard":            discard,
	"notices release or discard": func(s *Stage, pick *rand.Rand) [][]string { return append(release(s, pick), discard(s, pick)...) },
	"notices correct": func(s *Stage, pick *rand.Rand) [][]string {
		return one("notices", "correct", "--run", s.anyKey(pick), "--by", "carol")
	},
	"notices correct twice": twice(func(s *Stage, pick *rand.Rand) [][]string {
		return one("notices", "correct", "--run", s.anyKey(pick), "--by", "carol")
	}),
	"notices snooze": snooze,
	"notices unsnooze": func(s *Stage, pick *rand.Rand) [][]string {
		return one("notices", "unsnooze", "--tenant", oneOf(pick, s.w.tenants).id)
	},
	"notices bounced":   bounced,
	"notices told":      told,
	"accounts purge":    purge,
	"evidence":          evidence,
	"keys status":       fixed("keys", "status"),
	"serve for an hour": fixed("serve"),
}

// duties are what an operator does who has read the morning's summary: all of it, or in the calm days always.
func duties(s *Stage, pick *rand.Rand) (lines [][]string) {
	for _, r := range s.latest() {
		if r.Status == audit.RunStopped && (s.isCalm || pick.IntN(3) > 0) {
			lines = append(lines, []string{"run", "--accept-source", "--key", r.Key, "--by", "alice"})
		}
	}
	for _, h := range s.openHolds() {
		switch c := pick.IntN(10); {
		case s.isCalm || c < 3:
			lines = append(lines, []string{"notices", "release", "--run", h.RunKey, "--provider", h.Provider, "--by", "alice"})
		case c == 3:
			lines = append(lines, []string{"notices", "discard", "--run", h.RunKey, "--provider", h.Provider, "--by", "alice"})
		}
	}
	if s.isCalm || pick.IntN(3) == 0 {
		lines = append(lines, []string{"notices", "start", "--by", "alice"})
	}
	for _, address := range slices.Sorted(maps.Keys(s.w.bouncing)) {
		lines = append(lines, []string{"notices", "bounced", address, "--by", "alice"})
	}
	clear(s.w.bouncing)
	return lines
}

var commandNames = slices.Sorted(maps.Keys(commands))

func one(args ...string) [][]string { return [][]string{args} }

func fixed(args ...string) command {
	return func(*Stage, *rand.Rand) [][]string { return [][]string{args} }
}

// twice has two people do the same.
func twice(c command) command {
	return func(s *Stage, pick *rand.Rand) [][]string {
		all := c(s, pick)
		return append(all, all...)
	}
}

// anyKey is the key of a run, a late one mostly.
func (s *Stage) anyKey(pick *rand.Rand) string {
	keys := s.keys()
	if len(keys) == 0 || pick.IntN(20) == 0 {
		return "no-such-run"
	}
	return keys[min(pick.IntN(len(keys)), pick.IntN(len(keys)), pick.IntN(len(keys)))]
}

func (s *Stage) freshKey() string {
	s.fresh++
	return fmt.Sprintf("extra-%d", s.fresh)
}

func (s *Stage) anyAccount(pick *rand.Rand) string {
	if r := s.w.any(pick, nil); r != nil && pick.IntN(20) > 0 {
		return r.account.ID
	}
	return "no-such-account"
}

// anyHold is an open one.
func (s *Stage) anyHold(pick *rand.Rand) (run, provider string) {
	if open := s.openHolds(); len(open) > 0 {
		h := oneOf(pick, open)
		return h.RunKey, h.Provider
	}
	return s.anyKey(pick), oneOf(pick, kinds)
}

func release(s *Stage, pick *rand.Rand) [][]string {
	run, provider := s.anyHold(pick)
	return one("notices", "release", "--run", run, "--provider", provider, "--by", "alice", "--why", "looks right")
}

func discard(s *Stage, pick *rand.Rand) [][]string {
	run, provider := s.anyHold(pick)
	return one("notices", "discard", "--run", run, "--provider", provider, "--by", "bob", "--why", "an outage")
}

func snooze(s *Stage, pick *rand.Rand) [][]string {
	until := s.w.Now().AddDate(0, 0, 1+pick.IntN(10)).Format(time.DateOnly)
	return one("notices", "snooze", "--tenant", oneOf(pick, s.w.tenants).id, "--until", until, "--by", "carol")
}

func bounced(s *Stage, pick *rand.Rand) [][]string {
	for _, address := range slices.Sorted(maps.Keys(s.w.bouncing)) {
		delete(s.w.bouncing, address)
		return one("notices", "bounced", address, "--by", "dave")
	}
	if r := s.w.any(pick, func(r *row) bool { return strings.Contains(r.account.ContactEmail, "@") }); r != nil && pick.IntN(4) == 0 {
		return one("notices", "bounced", audit.FoldAddress(r.account.ContactEmail), "--by", "dave")
	}
	return nil
}

func told(s *Stage, pick *rand.Rand) [][]string {
	if n := s.anyNotice(pick); n > 0 && pick.IntN(3) == 0 {
		return one("notices", "told", fmt.Sprintf("M-%d", n), "--by", "erin")
	}
	return nil
}

// purge is of a tenant that has left; seldom of one that has not.
func purge(s *Stage, pick *rand.Rand) [][]string {
	t := oneOf(pick, s.w.tenants)
	if len(t.rows) > 0 && pick.IntN(10) > 0 {
		return nil
	}
	return one("accounts", "purge", "--tenant", t.id, "--by", "erin", "--why", "asked for it")
}

func evidence(s *Stage, pick *rand.Rand) [][]string {
	to := s.w.Now()
	from := to.AddDate(0, 0, -pick.IntN(20))
	return one("evidence", "--from", from.Format(time.DateOnly), "--to", to.Format(time.DateOnly), "--out", "-")
}
