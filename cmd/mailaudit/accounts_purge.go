package main

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

type accountsPurgeCmd struct {
	Tenant string `required:"" placeholder:"ID" help:"The tenant whose data goes."`
	decider
}

func (k accountsPurgeCmd) Run(ctx context.Context, a *app) error {
	unlock, err := lockStore(ctx, a.store, false)
	if err != nil {
		return fmt.Errorf("nothing was purged: %w; purge once it has ended", err)
	}
	defer unlock()
	if err := a.goneFromProduct(ctx, k.Tenant); err != nil {
		return err
	}
	return purge{&publisher{app: a, stdout: a.around.stdout}}.run(ctx, k.Tenant, k.By, k.Why)
}

// goneFromProduct refuses a tenant that the product still has: the next night would take it in again.
func (a *app) goneFromProduct(ctx context.Context, tenant string) error {
	if !a.config.Elsewhere() {
		return nil
	}
	left, err := a.source.AccountsAfter(ctx, "", 1, tenant)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("nothing was purged: tenant %s still has accounts where they are read from, and the next night would take them in again; remove them there first", tenant)
	}
	return err
}

// purge takes a tenant out of the store and out of the files of old nights.
type purge struct{ *publisher }

func (p purge) run(ctx context.Context, tenant, who, why string) error {
	from, err := p.store.TenantFrom(ctx, tenant)
	if err != nil {
		return err
	}
	runs, err := p.store.ListRuns(ctx, report.RunsMost, false)
	if err != nil {
		return err
	}
	what := audit.Purge{Tenant: tenant}
	if what.Tombstone, err = p.freeTombstone(ctx); err != nil {
		return err
	}
	concerned := func(run audit.Run) bool { return from > 0 && run.Seq >= from && run.Status == audit.RunConcluded }
	for _, run := range runs {
		if !concerned(run) {
			continue
		}
		err := p.each(ctx, run, func(s *report.Summary) error { return s.BeforePurge(ctx, p.store, what.Tombstone) })
		if err != nil {
			return fmt.Errorf("nothing was purged: %w", err)
		}
	}
	done, err := p.auditor.Forget(ctx, what, who, why)
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
	if done == (audit.Purged{}) {
		return fmt.Errorf("nothing is kept of tenant %q", tenant)
	}
	_, err = fmt.Fprintf(p.stdout, "%s and %s are purged, %s in report.dir rebuilt; %s stands in their place.\n"+
		"Slack, the relay's log, backups and copies of reports keep what they have.\n",
		report.Number(done.Accounts, "account", "accounts"), report.Number(done.Notices, "notice", "notices"),
		report.Number(files, "night", "nights"), what.Tombstone)
	return err
}

// freeTombstone is one of this second, or of the next that has none.
func (p purge) freeTombstone(ctx context.Context) (string, error) {
	for at := p.now(); ; at = at.Add(time.Second) {
		name := audit.NewTombstone(at)
		taken, err := p.store.TenantFrom(ctx, name)
		if err != nil || taken == 0 {
			return name, err
		}
	}
}

func (p purge) each(ctx context.Context, run audit.Run, do func(*report.Summary) error) error {
	s, err := report.Build(ctx, p.store, run.Key, p.reportOptions())
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
func (p purge) rebuild(ctx context.Context, runs []audit.Run, concerned func(audit.Run) bool) (files int, err error) {
	for _, run := range runs {
		marks, err := p.store.Facts(ctx, run.Key, report.TombstoneFact)
		if err != nil {
			return files, err
		}
		if len(marks) == 0 && !concerned(run) {
			continue
		}
		err = p.each(ctx, run, func(s *report.Summary) error {
			is, err := s.Sealed(ctx, p.store)
			if err != nil || !is.Unsealed() && !concerned(run) {
				return err
			}
			if p.published(run) {
				files++
				if err := p.writeNight(ctx, s); err != nil {
					return err
				}
			}
			return s.SealAgain(ctx, p.store, is)
		})
		if err != nil {
			return files, err
		}
	}
	if files == 0 {
		return 0, nil
	}
	return files, p.writeIndex(ctx)
}

// published tells whether the run's files stand in report.dir.
func (p purge) published(run audit.Run) bool {
	if p.config.Report.Dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(p.config.Report.Dir, run.Key, report.PageFile))
	return err == nil
}
