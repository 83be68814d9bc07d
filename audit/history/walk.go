package history

import (
	"fmt"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// FindingsPage is how many lines a store reads at a time while it walks over findings.
const FindingsPage = 2000

// FindingParts are what a run's findings are laid together from. Each reads up to [FindingsPage] lines by
// ascending account id, beginning behind after.
type FindingParts struct {
	Tonight func(after string) ([]audit.State, error)   // results of a run that is still asking
	Notes   func(after string) ([]audit.Finding, error) // the run's own notes
	History func(after string) ([]audit.Finding, error) // the history as it stood at the run
	Traffic func() ([]string, error)                    // accounts that the run did not ask, for the product had sent mail
	// Notices fills in where the run's mails about the page's accounts stand.
	Notices func(page []audit.Finding) error
}

// WalkFindings calls each for every account of the run by ascending id; see [audit.States].Findings.
func WalkFindings(run audit.Run, parts FindingParts, each func(audit.Finding) error) error {
	byTraffic, err := parts.traffic(run)
	if err != nil {
		return fmt.Errorf("read what run %s did not ask: %w", run.Key, err)
	}
	for after := ""; ; {
		page, err := parts.page(run, after)
		if err != nil {
			return fmt.Errorf("read findings of run %s: %w", run.Key, err)
		}
		if len(page) == 0 {
			return nil
		}
		for _, f := range page {
			f.ByTraffic = f.ByTraffic || byTraffic[f.AccountID] && f.Verdict.Fine()
			if err := each(f); err != nil {
				return err
			}
		}
		after = page[len(page)-1].AccountID
	}
}

func (p FindingParts) traffic(run audit.Run) (map[string]bool, error) {
	if run.Unsettled() {
		return nil, nil // tonight's results say it themselves
	}
	ids, err := p.Traffic()
	all := make(map[string]bool, len(ids))
	for _, id := range ids {
		all[id] = true
	}
	return all, err
}

func (p FindingParts) page(run audit.Run, after string) ([]audit.Finding, error) {
	if run.Unsettled() {
		states, err := p.Tonight(after)
		return FindingsTonight(states), err
	}
	notes, err := p.Notes(after)
	if err != nil {
		return nil, err
	}
	var history []audit.Finding
	if run.Scope.Whole() {
		if history, err = p.History(after); err != nil {
			return nil, err
		}
	}
	page := Overlay(history, notes, FindingsPage)
	return page, p.Notices(page)
}

// Overlay merges a page of the history with one of a run's own notes, both of at most limit lines in the
// byte order of their ids; a note replaces the history's line. The merged page ends where a full one ends,
// for the other may not go on there yet.
func Overlay(history, notes []audit.Finding, limit int) []audit.Finding {
	last := ""
	for _, page := range [][]audit.Finding{history, notes} {
		if len(page) == limit && (last == "" || page[limit-1].AccountID < last) {
			last = page[limit-1].AccountID
		}
	}
	merged := make([]audit.Finding, 0, len(history)+len(notes))
	for len(history) > 0 || len(notes) > 0 {
		var f audit.Finding
		switch {
		case len(notes) == 0 || len(history) > 0 && history[0].AccountID < notes[0].AccountID:
			f, history = history[0], history[1:]
		case len(history) > 0 && history[0].AccountID == notes[0].AccountID:
			f, history, notes = notes[0], history[1:], notes[1:]
		default:
			f, notes = notes[0], notes[1:]
		}
		if last != "" && f.AccountID > last {
			break
		}
		merged = append(merged, f)
	}
	return merged
}

// FindingsTonight are the results of a run that is still asking.
func FindingsTonight(states []audit.State) []audit.Finding {
	findings := make([]audit.Finding, len(states))
	for i, st := range states {
		findings[i] = decide.FindingOf(st, *st.Tonight)
		findings[i].Since = st.Tonight.At
		if st.Tonight.Verdict == st.Settled.Verdict {
			findings[i].Since = st.Settled.Since
		}
	}
	return findings
}
