package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
	"mailaudit/report"
)

// dryRun is a run that leaves nothing behind: a report's source in memory.
type dryRun struct {
	run      audit.Run
	findings []audit.Finding // by account id
}

func (r *dryRun) LoadRun(context.Context, string) (audit.Run, error) { return r.run, nil }
func (r *dryRun) ListRuns(context.Context, int, bool) ([]audit.Run, error) {
	return []audit.Run{r.run}, nil
}
func (r *dryRun) ConcludedBefore(context.Context, int64) (audit.Run, error) {
	return audit.Run{}, audit.ErrNoRun
}
func (r *dryRun) Findings(_ context.Context, _ audit.Run, each func(audit.Finding) error) error {
	for _, f := range r.findings {
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}
func (r *dryRun) CountNotices(context.Context, string) (map[audit.NoticeState]int, error) {
	return nil, nil
}
func (r *dryRun) ListNotices(context.Context, string, audit.NoticeState, int) ([]audit.Notice, error) {
	return nil, nil
}
func (r *dryRun) DueNotices(context.Context, time.Time, int) ([]audit.Notice, error) {
	return nil, nil
}

var _ report.Source = (*dryRun)(nil)

// AccountsPage is how many accounts are read at once, where nothing else bounds it.
const AccountsPage = 200

// DryRun verifies as a run would, reports to the terminal, and stores nothing but the attempts and, for the run of the
// same day, the definite answers.
func (a *App) DryRun(ctx context.Context, scope audit.Scope) error {
	r := &dryRun{run: audit.Run{
		Key: "dry-run", Seq: 1, Status: audit.RunConcluded, Phase: audit.PhaseDone, Scope: scope, StartedAt: a.Now(),
	}}
	for after := ""; ; {
		page, err := a.Source.AccountsAfter(ctx, after, AccountsPage, scope.Tenant)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].ID
		full, err := a.dryRunPage(ctx, r, page, scope)
		if err != nil {
			return err
		}
		if full {
			break
		}
	}
	r.run.FinishedAt = a.Now()
	numbers := audit.Numbers{}
	for _, f := range r.findings {
		numbers.Count(f, r.run.StartedAt)
	}
	r.run.Accounts, r.run.Numbers = numbers.Accounts, &numbers
	options := a.ReportOptions()
	options.Mode, options.BaseURL = "", "" // it has no mails to say anything of, whatever notices.mode is
	summary, err := report.Build(ctx, r, r.run.Key, options)
	if err != nil {
		return err
	}
	if err := summary.WriteText(a.Env.Stdout); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Env.Stdout, "\nDry run: nothing was e-mailed or posted. It used one of the day's attempts of each account that it signed in to;\nuntil the day ends, a run takes its definite answers instead of asking again.")
	return err
}

func (a *App) dryRunPage(ctx context.Context, r *dryRun, page []audit.Account, scope audit.Scope) (full bool, err error) {
	var chosen []audit.Account
	width := 1
	for _, acc := range page {
		if scope.Limit > 0 && len(r.findings)+len(chosen) == scope.Limit {
			full = true
			break
		}
		target, err := a.Auditor.Ask.Resolve(ctx, acc)
		name := audit.ProviderOther
		if err == nil {
			name = target.Provider.Name
		}
		if scope.Provider != "" && name != scope.Provider {
			continue
		}
		width = max(width, a.Config.Providers[name].MaxConcurrency)
		chosen = append(chosen, acc)
	}
	ids := make([]string, len(chosen))
	for i, acc := range chosen {
		ids[i] = acc.ID
	}
	sealed, err := a.Source.SealedSecrets(ctx, ids)
	if err != nil {
		return full, err
	}
	states, err := a.Store.LoadStates(ctx, ids)
	if err != nil {
		return full, err
	}
	found, heard := make([]audit.Finding, len(chosen)), make([]ask.Checked, len(chosen))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(width)
	for i, acc := range chosen {
		group.Go(func() error {
			checked, err := a.Auditor.Ask.DryRun(inner, acc, sealed[acc.ID], states[acc.ID])
			if err == nil {
				heard[i] = checked
				found[i] = decide.FindingOf(states[acc.ID], checked.Result)
			}
			return err
		})
	}
	err = group.Wait()
	err = errors.Join(err, a.Auditor.Ask.KeepDry(context.WithoutCancel(ctx), heard))
	r.findings = append(r.findings, found...)
	return full, err
}
