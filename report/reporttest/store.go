package reporttest

import (
	"context"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
)

// Store is a report's source in memory.
type Store struct {
	Runs     []audit.Run // by ascending Seq
	Accounts []audit.Finding
	Notices  []audit.Notice
	Holds    []audit.Hold
	Noted    map[string]string // the latest run's facts
	Past     func(accountID string) audit.History
}

func (s *Store) History(_ context.Context, accountID string) (h audit.History, err error) {
	if s.Past != nil {
		h = s.Past(accountID)
	}
	return h, nil
}

func (s *Store) OpenHolds(context.Context) ([]audit.Hold, error) { return s.Holds, nil }

func (s *Store) Facts(_ context.Context, key, prefix string) (map[string]string, error) {
	facts := map[string]string{}
	for name, value := range s.Noted {
		if key == s.Runs[len(s.Runs)-1].Key && strings.HasPrefix(name, prefix) {
			facts[name] = value
		}
	}
	return facts, nil
}

// Conclude counts the accounts into the latest run and concludes it.
func (s *Store) Conclude() *audit.Numbers {
	run := &s.Runs[len(s.Runs)-1]
	n := &audit.Numbers{}
	for _, f := range s.Accounts {
		n.Count(f, run.StartedAt)
	}
	run.Numbers, run.Status, run.Phase, run.Accounts = n, audit.RunConcluded, audit.PhaseDone, len(s.Accounts)
	run.FinishedAt = run.StartedAt.Add(130 * time.Minute)
	return n
}

func (s *Store) LoadRun(_ context.Context, key string) (audit.Run, error) {
	for _, r := range s.Runs {
		if r.Key == key {
			return r, nil
		}
	}
	return audit.Run{}, audit.ErrNoRun
}

func (s *Store) ListRuns(_ context.Context, limit int, openOnly bool) ([]audit.Run, error) {
	var out []audit.Run
	for _, r := range slices.Backward(s.Runs) {
		if len(out) < limit && (!openOnly || r.Open()) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *Store) ConcludedBefore(_ context.Context, seq int64) (audit.Run, error) {
	for _, r := range slices.Backward(s.Runs) {
		if r.Seq < seq && r.Status == audit.RunConcluded && r.Scope.Whole() {
			return r, nil
		}
	}
	return audit.Run{}, audit.ErrNoRun
}

// Findings tells of the latest run's accounts, whichever run is asked for.
func (s *Store) Findings(_ context.Context, _ audit.Run, each func(audit.Finding) error) error {
	sorted := slices.SortedFunc(slices.Values(s.Accounts), func(a, b audit.Finding) int {
		return strings.Compare(a.AccountID, b.AccountID)
	})
	for _, f := range sorted {
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) CountNotices(_ context.Context, key string) (map[audit.NoticeState]int, error) {
	counts := map[audit.NoticeState]int{}
	for _, n := range s.Notices {
		if n.RunKey == key {
			counts[n.State]++
		}
	}
	return counts, nil
}

func (s *Store) ListNotices(_ context.Context, key string, state audit.NoticeState, limit int) ([]audit.Notice, error) {
	var out []audit.Notice
	for _, n := range s.Notices {
		if len(out) < limit && (key == "" || n.RunKey == key) && (state == "" || n.State == state) {
			out = append(out, n)
		}
	}
	return out, nil
}

func (s *Store) DueNotices(_ context.Context, t time.Time, limit int) ([]audit.Notice, error) {
	var out []audit.Notice
	for _, n := range s.Notices {
		if len(out) < limit && n.State == audit.NoticeQueued && !n.DueAt.After(t) {
			out = append(out, n)
		}
	}
	return out, nil
}
