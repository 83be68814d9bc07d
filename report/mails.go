package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
)

const (
	mailsListed  = 20_000         // notices of a run that are read to tell their kinds and hours
	overdueAfter = 24 * time.Hour // a mail that was due so long ago and has not left is an alarm
	overdueMost  = 1_000
)

// Mails are a run's notices to customers.
type Mails struct {
	States  map[audit.NoticeState]int
	Groups  []MailGroup // by state and kind; empty where a run has too many notices to read them
	Calls   int         // that reach nobody: customers to call
	Overdue int         // over all runs: queued, and due for a day
	// FailedBefore are mails of the two runs before that were refused for good: mails leave when their own
	// run's summary is out, and are tried for a day.
	FailedBefore int
}

// MailGroup counts notices of one state and kind.
type MailGroup struct {
	State       audit.NoticeState
	Kind        audit.NoticeKind
	Count       int
	First, Last time.Time // when the first and the last of them are due
}

func readMails(ctx context.Context, src Source, key string, now time.Time) (Mails, error) {
	var m Mails
	counts, err := src.CountNotices(ctx, key)
	if err != nil {
		return m, err
	}
	m.States = map[audit.NoticeState]int{}
	total := 0
	for state, n := range counts {
		m.States[state.Shown()] += n
		total += n
	}
	if total > 0 && total <= mailsListed {
		notices, err := src.ListNotices(ctx, key, "", mailsListed)
		if err != nil {
			return m, fmt.Errorf("list notices: %w", err)
		}
		m.Groups = groupMails(notices)
		for _, n := range notices {
			if n.ToTelephone() {
				m.Calls++
			}
		}
	}
	overdue, err := src.DueNotices(ctx, now.Add(-overdueAfter), overdueMost)
	if err != nil {
		return m, fmt.Errorf("list overdue notices: %w", err)
	}
	m.Overdue = len(overdue)
	return m, nil
}

// failedBefore counts the failed mails of the two runs before seq.
func failedBefore(ctx context.Context, src Source, seq int64) (int, error) {
	failed := 0
	for range 2 {
		run, err := src.ConcludedBefore(ctx, seq)
		if errors.Is(err, audit.ErrNoRun) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read the run before: %w", err)
		}
		counts, err := src.CountNotices(ctx, run.Key)
		if err != nil {
			return 0, err
		}
		failed, seq = failed+counts[audit.NoticeFailed], run.Seq
	}
	return failed, nil
}

func groupMails(notices []audit.Notice) []MailGroup {
	var groups []MailGroup
	for _, state := range audit.NoticeStates {
		for _, kind := range [...]audit.NoticeKind{audit.KindFinding, audit.KindReminder, audit.KindRecovered, audit.KindAhead} {
			g := MailGroup{State: state, Kind: kind}
			for _, n := range notices {
				if n.State.Shown() == state && n.Kind == kind {
					g.add(n.DueAt)
				}
			}
			if g.Count > 0 {
				groups = append(groups, g)
			}
		}
	}
	return groups
}

func (g *MailGroup) add(due time.Time) {
	g.Count++
	if g.Count == 1 || due.Before(g.First) {
		g.First = due
	}
	if due.After(g.Last) {
		g.Last = due
	}
}

// Due is when the first and the last queued mail of the run may leave; zero if not known.
func (m Mails) Due() (first, last time.Time) {
	for _, g := range m.Groups {
		if g.State != audit.NoticeQueued {
			continue
		}
		if first.IsZero() || g.First.Before(first) {
			first = g.First
		}
		if g.Last.After(last) {
			last = g.Last
		}
	}
	return first, last
}

// Kinds says what the mails of a state are: "5 first, 12 reminders, 4 recovered".
func (m Mails) Kinds(state audit.NoticeState) []string {
	var parts []string
	for _, g := range m.Groups {
		if g.State != state {
			continue
		}
		switch g.Kind {
		case audit.KindFinding:
			parts = append(parts, Count(g.Count)+" first")
		case audit.KindReminder:
			parts = append(parts, Number(g.Count, "reminder", "reminders"))
		case audit.KindRecovered:
			parts = append(parts, Count(g.Count)+" recovered")
		case audit.KindAhead:
			parts = append(parts, Number(g.Count, "warning of a change", "warnings of a change"))
		}
	}
	return parts
}

// StateWord is a notice's state in prose; "" for no notice.
func StateWord(state audit.NoticeState) string {
	switch state {
	case audit.NoticeQueued:
		return "scheduled"
	case audit.NoticeHeld:
		return "on hold"
	case audit.NoticeAmbiguous:
		return "unconfirmed"
	case audit.NoticeShadowed:
		return "not sent"
	case audit.NoticeNone:
		return ""
	}
	return string(state)
}
