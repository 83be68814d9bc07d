package audit

import (
	"context"
	"fmt"
	"time"
)

// Caps bound the mails. The rest waits its turn.
type Caps struct {
	Night     int // since the first run of the night began
	Recipient int // a day in Zone
	Tenant    int // a day in Zone
	Zone      *time.Location
}

// summaryPatience is how long customers' mails wait for operations to have the night's summary: from the conclusion,
// or from the window's end of a run that is stuck, of which an alarm has told them.
const summaryPatience = 12 * time.Hour

const (
	dueAtMost = 200    // bounds one look into the outbox,
	crowd     = 20_000 // and this one where a crowd waits before the others
)

// DueNotices lists the mails that may leave now: nobody has stopped them, their hour has come, operations
// have the summary of the run that wrote them, and the caps allow it. Those whose refusal is old are re-checked first.
func (a *Auditor) DueNotices(ctx context.Context, caps Caps) ([]Task, error) {
	if why, err := a.stopped(ctx); why != "" || err != nil {
		return nil, err
	}
	for limit := dueAtMost; ; limit *= 10 {
		due, err := a.Ledger.DueNotices(ctx, a.Now(), limit)
		if err != nil || len(due) == 0 {
			return nil, err
		}
		p, err := a.pass(ctx, caps)
		if err != nil {
			return nil, err
		}
		tasks, err := p.tasks(ctx, due)
		// A crowd that the day's caps keep back must not stand before those that may leave.
		if err != nil || len(tasks) > 0 || len(due) < limit || limit >= crowd || len(p.full) == 0 {
			return tasks, err
		}
	}
}

func (p *pass) tasks(ctx context.Context, due []Notice) ([]Task, error) {
	var tasks []Task
	for _, n := range due {
		if p.budget <= 0 {
			break
		}
		if why, err := p.waits(ctx, n); err != nil {
			return nil, err
		} else if why != "" {
			continue
		}
		task := Task{Kind: TaskNotify, Notice: n.ID}
		if stale, err := p.stale(ctx, n); err != nil {
			return nil, err
		} else if stale {
			task.Kind = TaskRecheck
		}
		tasks = append(tasks, task)
		p.budget--
	}
	return tasks, nil
}

// stale tells whether an account of the notice still fails and its refusal is too old for a mail to leave on.
func (a *Auditor) stale(ctx context.Context, n Notice) (bool, error) {
	if !n.Kind.TellsFailure() {
		return false, nil
	}
	states, _, err := a.states(ctx, Run{}, ids(n.Items, func(i NoticeItem) string { return i.AccountID }))
	for _, st := range states {
		if st.Settled.Verdict.Failing() && !st.Fresh(a.Now()) {
			return true, err
		}
	}
	return false, err // what cannot be read is the desk's, which reads it once more
}

// PutOff lists the mails that were due and that a passing refusal has put off to a later hour: they are owed.
func (a *Auditor) PutOff(ctx context.Context, caps Caps) ([]Notice, error) {
	if why, err := a.stopped(ctx); why != "" || err != nil {
		return nil, err
	}
	now := a.Now()
	all, err := a.Ledger.PutOff(ctx, now, dueAtMost)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p, err := a.pass(ctx, caps)
	if err != nil {
		return nil, err
	}
	var owed []Notice
	for _, n := range all {
		asDue := n
		asDue.DueAt = now
		if why, err := p.waits(ctx, asDue); err != nil {
			return nil, err
		} else if why == "" {
			owed = append(owed, n)
		}
	}
	return owed, nil
}

// MayMail asks once more for one notice, just before it is claimed. What the caps leave is only certain once it is.
func (a *Auditor) MayMail(ctx context.Context, caps Caps, id int64) (bool, error) {
	n, err := a.Ledger.LoadNotice(ctx, id)
	if err != nil {
		return false, err
	}
	why, err := a.Waits(ctx, caps, n)
	return why == "" && err == nil, err
}

// Waits tells what a queued notice waits for; "" if it may leave now.
func (a *Auditor) Waits(ctx context.Context, caps Caps, n Notice) (string, error) {
	if why, err := a.stopped(ctx); why != "" || err != nil {
		return why, err
	}
	p, err := a.pass(ctx, caps)
	if err != nil {
		return "", err
	}
	return p.waits(ctx, n)
}

// stopped tells why no mail leaves at all.
func (a *Auditor) stopped(ctx context.Context) (string, error) {
	if a.Policy.Mode != ModeLive {
		return "notices.mode is " + string(a.Policy.Mode), nil
	}
	switched, err := a.Ledger.Setting(ctx, SettingStopped)
	if err != nil {
		return "", err
	}
	if switched != "" {
		return "mails are stopped " + switched, nil
	}
	owner, err := a.Ledger.Setting(ctx, SettingInstallation)
	if err == nil && owner != "" && owner != a.Policy.Installation {
		return fmt.Sprintf("the database belongs to installation %q and this is %q", owner, a.Policy.Installation), nil
	}
	return "", err
}

// pass is one look at notices that are due.
type pass struct {
	*Auditor
	allowed Allowance
	budget  int             // mails that the night may still bring
	told    map[string]bool // runs whose summary operations have
	full    map[capped]bool // who may have no more mails today
	unread  error           // of the source, which is asked no more in this look
}

// capped is a contact's or a tenant's.
type capped struct{ contact, tenant string }

func (a *Auditor) pass(ctx context.Context, caps Caps) (*pass, error) {
	p := &pass{Auditor: a, told: map[string]bool{}, full: map[capped]bool{}}
	var err error
	if p.allowed, err = a.Allowance(ctx, caps); err != nil {
		return nil, err
	}
	sent, err := a.Ledger.SentSince(ctx, p.allowed.NightFrom, "", "")
	p.budget = p.allowed.Night - sent
	return p, err
}

func (p *pass) waits(ctx context.Context, n Notice) (string, error) {
	now := p.Now()
	if n.DueAt.After(now) {
		return "its hour has not come", nil
	}
	if n.WaitsUntil.After(now) {
		return n.Detail, nil
	}
	if told, err := p.summarised(ctx, n.RunKey); err != nil || !told {
		return "operations do not have the summary of its run yet", err
	}
	if p.budget <= 0 {
		return "as many mails as notices.max_per_night allows were sent since the last run", nil
	}
	if why, err := p.overDay(ctx, n); err != nil || why != "" {
		return why, err
	}
	return p.withinHours(ctx, n)
}

func (p *pass) summarised(ctx context.Context, key string) (bool, error) {
	if key == "" {
		return true, nil
	}
	if told, known := p.told[key]; known {
		return told, nil
	}
	run, err := p.Ledger.LoadRun(ctx, key)
	if err != nil {
		return false, err
	}
	from := run.FinishedAt
	if from.IsZero() {
		from = run.Deadline
	}
	p.told[key] = !run.PostedAt.IsZero() || p.Now().Sub(from) > summaryPatience
	return p.told[key], nil
}

// withinHours tells why the tenant's clock does not allow the mail now; "" if it does: a mail that had to wait for the
// caps or the relay may have missed its hour. That a changed password works is said at once.
func (p *pass) withinHours(ctx context.Context, n Notice) (string, error) {
	if p.Policy.Hours == (Hours{}) || n.RunKey == "" && n.Kind == KindRecovered {
		return "", nil
	}
	if p.unread == nil {
		var accounts map[string]Account
		accounts, _, p.unread = ReadAccounts(ctx, p.Accounts, n.accounts())
		now := p.Now()
		if p.unread == nil && !p.Policy.Hours.Next(now, p.zoneOf(n, accounts)).Equal(now) {
			return "the hours of notices.send_between are over", nil
		}
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if p.unread != nil {
		return "its accounts cannot be read now", nil
	}
	return "", nil
}

// Allowance is what the caps say now. Before the first run nothing is allowed.
func (a *Auditor) Allowance(ctx context.Context, caps Caps) (Allowance, error) {
	began, err := a.nightBegan(ctx)
	if err != nil || began.IsZero() {
		return Allowance{}, err
	}
	y, m, d := a.Now().In(caps.Zone).Date()
	return Allowance{
		Night: caps.Night, Recipient: caps.Recipient, Tenant: caps.Tenant,
		NightFrom: began, DayFrom: time.Date(y, m, d, 0, 0, 0, 0, caps.Zone),
	}, nil
}

// nightRuns is how many runs a night has at most, unless it is found to have more.
const nightRuns = 30

// nightBegan is when the night's first run began: one of many narrowed runs has no more to tell than one of a
// whole. Zero before the first run.
func (a *Auditor) nightBegan(ctx context.Context) (began time.Time, err error) {
	for limit := nightRuns; ; limit *= 10 {
		runs, err := a.Ledger.ListRuns(ctx, limit, false)
		if err != nil || len(runs) == 0 {
			return time.Time{}, err
		}
		began, before := runs[0].StartedAt, false
		for _, run := range runs {
			if runs[0].StartedAt.Sub(run.StartedAt) >= NightsApart {
				before = true
			} else if run.StartedAt.Before(began) {
				began = run.StartedAt
			}
		}
		if before || len(runs) < limit {
			return began, nil
		}
	}
}

// overDay tells which cap of the day the notice would break.
func (p *pass) overDay(ctx context.Context, n Notice) (string, error) {
	for _, c := range []struct {
		of   capped
		most int
		why  string
	}{
		{capped{contact: n.ContactEmail}, p.allowed.Recipient, "the contact has had notices.max_per_recipient mails today"},
		{capped{tenant: n.TenantID}, p.allowed.Tenant, "the tenant has had notices.max_per_tenant mails today"},
	} {
		if p.full[c.of] {
			return c.why, nil
		}
		sent, err := p.Ledger.SentSince(ctx, p.allowed.DayFrom, c.of.contact, c.of.tenant)
		if err != nil {
			return "", err
		}
		if sent >= c.most {
			p.full[c.of] = true
			return c.why, nil
		}
	}
	return "", nil
}
