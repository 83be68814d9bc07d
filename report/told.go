package report

import (
	"context"
	"time"

	"mailaudit/audit"
)

// Told is when an account's customer was last notified of its open finding, as it stands when the report is
// made: mails go on after a run. Zero is nobody, or no reminder left.
type Told struct {
	LastNotified time.Time
	Number       string    // of the last notice, as the customer reads it: "M-4711"; "" where there is none
	NextReminder time.Time // the earliest hour
}

func (t Told) json() *jsonTold {
	out := jsonTold{LastNotified: dated(t.LastNotified), NextReminder: dated(t.NextReminder)}
	if t.Number != "" {
		out.Number = &t.Number
	}
	return &out
}

// dated is a time in JSON; nil where there is none.
func dated(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := stamp(t)
	return &text
}

// toldAtOnce is how many accounts are looked up together.
const toldAtOnce = 500

// WalkFindings calls each for every account of the run whose verdict is not compliant, by ascending id, with what
// its customer was told.
func (s *Summary) WalkFindings(ctx context.Context, src Source, each func(audit.Finding, Told) error) error {
	var page []audit.Finding
	flush := func() error {
		told, err := s.told(ctx, page)
		if err != nil {
			return err
		}
		for _, f := range page {
			if err := each(f, told[f.AccountID]); err != nil {
				return err
			}
		}
		page = page[:0]
		return nil
	}
	err := src.Findings(ctx, s.Run, func(f audit.Finding) error {
		if f.Verdict == audit.Compliant {
			return nil
		}
		if page = append(page, f); len(page) < toldAtOnce {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// told looks up those that may have been notified: an unverified account keeps its finding.
func (s *Summary) told(ctx context.Context, page []audit.Finding) (map[string]Told, error) {
	var ids []string
	for _, f := range page {
		if f.Verdict.Failing() || f.Previous.Failing() {
			ids = append(ids, f.AccountID)
		}
	}
	if s.Told == nil || len(ids) == 0 {
		return nil, nil
	}
	return s.Told(ctx, ids)
}
