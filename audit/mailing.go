package audit

import (
	"context"
	"time"
)

// Caps bound the mails. The rest waits its turn.
type Caps struct {
	Night     int // since the start of the last concluded run
	Recipient int // a day in Zone
	Tenant    int // a day in Zone
	Zone      *time.Location
}

// summaryPatience is how long customers' mails wait for operations to have the night's summary.
const summaryPatience = 12 * time.Hour

// dueAtMost bounds one look into the outbox.
const dueAtMost = 200

// DueNotices lists the mails that may leave now: their hour has come, operations have the summary of the
// run that wrote them, and the caps allow it.
func (a *Auditor) DueNotices(ctx context.Context, caps Caps) ([]Task, error) {
	if a.Policy.Mode != ModeLive {
		return nil, nil
	}
	now := a.Now()
	due, err := a.Ledger.DueNotices(ctx, now, dueAtMost)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	budget, err := a.nightBudget(ctx, caps)
	if err != nil {
		return nil, err
	}
	told := map[string]bool{} // runs whose summary operations have
	var tasks []Task
	for _, n := range due {
		if len(tasks) >= budget {
			break
		}
		if _, known := told[n.RunKey]; !known {
			run, err := a.Ledger.LoadRun(ctx, n.RunKey)
			if err != nil {
				return nil, err
			}
			told[n.RunKey] = !run.PostedAt.IsZero() || now.Sub(run.FinishedAt) > summaryPatience
		}
		if !told[n.RunKey] {
			continue
		}
		if ok, err := a.withinDay(ctx, caps, n); err != nil {
			return nil, err
		} else if ok {
			tasks = append(tasks, Task{Kind: TaskNotify, Notice: n.ID})
		}
	}
	return tasks, nil
}

// MayMail asks the caps once more for one notice, just before it is sent.
func (a *Auditor) MayMail(ctx context.Context, caps Caps, id int64) (bool, error) {
	n, err := a.Ledger.LoadNotice(ctx, id)
	if err != nil {
		return false, err
	}
	budget, err := a.nightBudget(ctx, caps)
	if err != nil || budget <= 0 {
		return false, err
	}
	return a.withinDay(ctx, caps, n)
}

func (a *Auditor) nightBudget(ctx context.Context, caps Caps) (int, error) {
	runs, err := a.Ledger.ListRuns(ctx, 1, false)
	if err != nil || len(runs) == 0 {
		return 0, err
	}
	sent, err := a.Ledger.SentSince(ctx, runs[0].StartedAt, "", "")
	return caps.Night - sent, err
}

func (a *Auditor) withinDay(ctx context.Context, caps Caps, n Notice) (bool, error) {
	y, m, d := a.Now().In(caps.Zone).Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, caps.Zone)
	sent, err := a.Ledger.SentSince(ctx, midnight, n.ContactEmail, "")
	if err != nil || sent >= caps.Recipient {
		return false, err
	}
	sent, err = a.Ledger.SentSince(ctx, midnight, "", n.TenantID)
	return err == nil && sent < caps.Tenant, err
}
