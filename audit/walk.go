package audit

import "fmt"

// FindingsPage is how many lines a store reads at a time while it walks over findings.
const FindingsPage = 2000

// FindingParts are what a run's findings are laid together from. Each reads up to [FindingsPage] lines by
// ascending account id, beginning behind after.
type FindingParts struct {
	Tonight func(after string) ([]State, error)   // results of a run that is still asking
	Notes   func(after string) ([]Finding, error) // the run's own notes
	History func(after string) ([]Finding, error) // the history as it stood at the run
	// Notices fills in where the run's mails about the page's accounts stand.
	Notices func(page []Finding) error
}

// WalkFindings calls each for every account of the run by ascending id; see [States].Findings.
func WalkFindings(run Run, parts FindingParts, each func(Finding) error) error {
	for after := ""; ; {
		page, err := parts.page(run, after)
		if err != nil {
			return fmt.Errorf("read findings of run %s: %w", run.Key, err)
		}
		if len(page) == 0 {
			return nil
		}
		for _, f := range page {
			if err := each(f); err != nil {
				return err
			}
		}
		after = page[len(page)-1].AccountID
	}
}

func (p FindingParts) page(run Run, after string) ([]Finding, error) {
	if run.Unsettled() {
		states, err := p.Tonight(after)
		return FindingsTonight(states), err
	}
	notes, err := p.Notes(after)
	if err != nil {
		return nil, err
	}
	var history []Finding
	if run.Scope.Whole() {
		if history, err = p.History(after); err != nil {
			return nil, err
		}
	}
	page := Overlay(history, notes, FindingsPage)
	return page, p.Notices(page)
}
