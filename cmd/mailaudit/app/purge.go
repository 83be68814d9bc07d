package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

// GoneFromProduct refuses a tenant that the product still has: the next night would take it in again.
func (a *App) GoneFromProduct(ctx context.Context, tenant string) error {
	if !a.Config.Elsewhere() {
		return nil
	}
	left, err := a.Source.AccountsAfter(ctx, "", 1, tenant)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("nothing was purged: tenant %s still has accounts where they are read from, and the next night would take them in again; remove them there first", tenant)
	}
	return err
}

// Purge takes a tenant out of the store and out of the files of old nights.
type Purge struct{ *Publisher }

// Run purges a tenant and rebuilds the files of the nights that knew it.
func (p Purge) Run(ctx context.Context, tenant, who, why string) error {
	from, err := p.Store.TenantFrom(ctx, tenant)
	if err != nil {
		return err
	}
	runs, err := p.Store.ListRuns(ctx, report.RunsMost, false)
	if err != nil {
		return err
	}
	what := audit.Purge{Tenant: tenant}
	if what.Tombstone, err = p.freeTombstone(ctx); err != nil {
		return err
	}
	concerned := func(run audit.Run) bool { return from > 0 && run.Seq >= from && run.Status == audit.RunConcluded }
	if err := p.announce(ctx, what.Tombstone, runs, concerned); err != nil {
		return fmt.Errorf("nothing was purged: %w", err)
	}
	done, err := p.Auditor.Operate.Forget(ctx, what, who, why)
	if errors.Is(err, audit.ErrRunOpen) {
		return fmt.Errorf("nothing was purged: %w; purge once it has ended", err)
	}
	if err != nil {
		return err
	}
	files, err := p.rebuild(ctx, runs, concerned)
	if err != nil {
		return fmt.Errorf("the tenant is purged, and not all reports are rebuilt; purge again: %w", err)
	}
	notary, err := p.Notary()
	if err == nil {
		err = notary.Purged(ctx)
	}
	if err != nil {
		return fmt.Errorf("the tenant is purged, and the chain of evidence does not say so; purge again: %w", err)
	}
	if done == (audit.Purged{}) {
		return fmt.Errorf("nothing is kept of tenant %q", tenant)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s and %s are purged, %s in report.dir rebuilt; %s stands in their place.\n"+
		"Slack, the relay's log, backups and copies of reports keep what they have.\n",
		report.Number(done.Accounts, "account", "accounts"), report.Number(done.Notices, "notice", "notices"),
		report.Number(files, "night", "nights"), what.Tombstone)
	return err
}

// announce notes with each run that the purge will change whether it is as it was sealed, and says in the chain of
// evidence which ones are.
func (p Purge) announce(ctx context.Context, tombstone string, runs []audit.Run, concerned func(audit.Run) bool) error {
	open, err := p.Store.ListRuns(ctx, 1, true)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return fmt.Errorf("%w; purge once it has ended", audit.ErrRunOpen)
	}
	notary, err := p.Notary()
	if err != nil {
		return err
	}
	book, err := notary.Book(ctx)
	if err != nil {
		return err
	}
	var asSealed []string
	for _, run := range runs {
		if !concerned(run) {
			continue
		}
		err := p.each(ctx, run, func(s *report.Summary) error {
			is, err := s.Sealed(ctx, p.Store)
			if err != nil {
				return err
			}
			same, err := notary.AsSealed(ctx, book, run, is.Now)
			if err != nil {
				return err
			}
			if same {
				asSealed = append(asSealed, run.Key)
			}
			return s.BeforePurge(ctx, p.Store, tombstone, is, same)
		})
		if err != nil {
			return err
		}
	}
	return notary.PurgeBegins(ctx, tombstone, asSealed)
}

// freeTombstone is one of this second, or of the next that has none.
func (p Purge) freeTombstone(ctx context.Context) (string, error) {
	for at := p.Now(); ; at = at.Add(time.Second) {
		name := audit.NewTombstone(at)
		taken, err := p.Store.TenantFrom(ctx, name)
		if err != nil || taken == 0 {
			return name, err
		}
	}
}

func (p Purge) each(ctx context.Context, run audit.Run, do func(*report.Summary) error) error {
	s, err := report.Build(ctx, p.Store, run.Key, p.ReportOptions())
	if err != nil {
		return err
	}
	if err := do(s); err != nil {
		return fmt.Errorf("report of run %s: %w", run.Key, err)
	}
	return nil
}

// rebuild writes the files of the nights that a purge has changed, this one or one that was cut off, anew where
// there are any, and seals the nights.
func (p Purge) rebuild(ctx context.Context, runs []audit.Run, concerned func(audit.Run) bool) (files int, err error) {
	indexed, err := p.indexed(ctx)
	if err != nil {
		return 0, err
	}
	for _, run := range runs {
		marks, err := p.Store.Facts(ctx, run.Key, report.TombstoneFact)
		if err != nil {
			return files, err
		}
		if len(marks) == 0 && !concerned(run) {
			continue
		}
		err = p.each(ctx, run, func(s *report.Summary) error {
			is, err := s.Sealed(ctx, p.Store)
			if err != nil || !is.Unsealed() && !concerned(run) {
				return err
			}
			if p.published(run) {
				files++
				if err := p.writeRun(ctx, s, indexed); err != nil {
					return err
				}
			}
			return s.SealAgain(ctx, p.Store, is)
		})
		if err != nil {
			return files, err
		}
	}
	if files == 0 {
		return 0, nil
	}
	return files, p.writeIndex(indexed)
}

// published reports whether the run's files stand in report.dir.
func (p Purge) published(run audit.Run) bool {
	if p.Config.Report.Dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(p.Config.Report.Dir, run.Key, report.PageFile))
	return err == nil
}
