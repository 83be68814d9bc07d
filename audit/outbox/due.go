package outbox

import (
	"context"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
)

// dueStore is what this file needs of the store. The contracts are in package audit.
type dueStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Setting(ctx context.Context, name string) (string, error)
	LoadRun(ctx context.Context, key string) (audit.Run, error)
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	DueNotices(ctx context.Context, now time.Time, limit int) ([]audit.Notice, error)
	LoadNotice(ctx context.Context, id int64) (audit.Notice, error)
	Deferred(ctx context.Context, now time.Time, limit int) ([]audit.Notice, error)
	SentSince(ctx context.Context, t time.Time, to audit.SentTo) (int, error)
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
func (o *Outbox) DueNotices(ctx context.Context, caps audit.Caps) ([]audit.Task, error) {
	if why, err := o.stopped(ctx); why != "" || err != nil {
		return nil, err
	}
	for limit := dueAtMost; ; limit *= 10 {
		due, err := o.Ledger.DueNotices(ctx, o.Now(), limit)
		if err != nil || len(due) == 0 {
			return nil, err
		}
		p, err := o.pass(ctx, caps)
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

func (p *pass) tasks(ctx context.Context, due []audit.Notice) ([]audit.Task, error) {
	var tasks []audit.Task
	for _, n := range due {
		if why, err := p.waits(ctx, n); err != nil {
			return nil, err
		} else if why != "" {
			continue
		}
		task := audit.Task{Kind: audit.TaskNotify, Notice: n.ID}
		if stale, err := p.stale(ctx, n); err != nil {
			return nil, err
		} else if stale {
			task.Kind = audit.TaskRecheck
		}
		tasks = append(tasks, task)
		p.budget[n.Kind.Line()]--
	}
	return tasks, nil
}

// stale reports whether an account of the notice still fails and its refusal is too old for a mail to leave on.
func (o *Outbox) stale(ctx context.Context, n audit.Notice) (bool, error) {
	if !n.Kind.TellsFailure() {
		return false, nil
	}
	states, _, err := o.Aside.ReadStates(ctx, audit.Run{}, audit.IDs(n.Items, func(i audit.NoticeItem) string { return i.AccountID }))
	for _, st := range states {
		if st.Settled.Verdict.Failing() && !st.Fresh(o.Now()) {
			return true, err
		}
	}
	return false, err // what cannot be read is the dispatcher's, which reads it once more
}

// Deferred lists the mails that were due and that a passing refusal has put off to a later hour: they are owed.
func (o *Outbox) Deferred(ctx context.Context, caps audit.Caps) ([]audit.Notice, error) {
	if why, err := o.stopped(ctx); why != "" || err != nil {
		return nil, err
	}
	now := o.Now()
	all, err := o.Ledger.Deferred(ctx, now, dueAtMost)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p, err := o.pass(ctx, caps)
	if err != nil {
		return nil, err
	}
	var owed []audit.Notice
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

const (
	lateAtMost = 1_000
	// capsReach is how far back mails that were sent explain why others wait: over a weekend.
	capsReach = 72 * time.Hour
)

// Late counts the mails that were due at a moment and have not left, though the caps left them room.
func (o *Outbox) Late(ctx context.Context, caps audit.Caps, due time.Time) (late int, err error) {
	all, err := o.Ledger.DueNotices(ctx, due, lateAtMost)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	from := o.Now().Add(-capsReach)
	room := map[audit.Line]bool{}
	for line, most := range map[audit.Line]int{audit.LineFindings: caps.Night, audit.LineAhead: caps.Ahead} {
		sent, err := o.Ledger.SentSince(ctx, from, audit.SentTo{Line: line})
		if err != nil {
			return 0, err
		}
		room[line] = sent < most
	}
	p := &pass{Outbox: o, full: map[audit.SentTo]bool{}, allowed: audit.Allowance{Ahead: caps.Ahead, Recipient: caps.Recipient, Domain: caps.Night, Tenant: caps.Tenant, DayFrom: from}}
	for _, n := range all {
		if !room[n.Kind.Line()] {
			continue
		}
		full, err := p.overDay(ctx, n)
		if err != nil {
			return 0, err
		}
		if full == "" {
			late++
		}
	}
	return late, nil
}

// MayMail asks once more for one notice, just before it is claimed. What the caps leave is only certain once it is.
func (o *Outbox) MayMail(ctx context.Context, caps audit.Caps, id int64) (bool, error) {
	n, err := o.Ledger.LoadNotice(ctx, id)
	if err != nil {
		return false, err
	}
	why, err := o.Waits(ctx, caps, n)
	return why == "" && err == nil, err
}

// Waits tells what a queued notice waits for; "" if it may leave now.
func (o *Outbox) Waits(ctx context.Context, caps audit.Caps, n audit.Notice) (string, error) {
	if why, err := o.stopped(ctx); why != "" || err != nil {
		return why, err
	}
	p, err := o.pass(ctx, caps)
	if err != nil {
		return "", err
	}
	return p.waits(ctx, n)
}

// stopped tells why no mail leaves at all.
func (o *Outbox) stopped(ctx context.Context) (string, error) {
	if o.Policy.Mode != audit.ModeLive {
		return "notices.mode is " + string(o.Policy.Mode), nil
	}
	switched, err := o.Ledger.Setting(ctx, audit.SettingStopped)
	if err != nil {
		return "", err
	}
	if switched != "" {
		return "mails are stopped " + switched, nil
	}
	owner, err := o.Ledger.Setting(ctx, audit.SettingInstallation)
	if err == nil && owner != "" && owner != o.Policy.Installation {
		return fmt.Sprintf("the database belongs to installation %q and this is %q", owner, o.Policy.Installation), nil
	}
	return "", err
}

// pass is one look at notices that are due.
type pass struct {
	*Outbox
	allowed audit.Allowance
	budget  map[audit.Line]int    // mails that the night may still bring
	told    map[string]bool       // runs whose summary operations have
	full    map[audit.SentTo]bool // who may have no more mails today
	unread  error                 // of the source, which is asked no more in this look
}

func (o *Outbox) pass(ctx context.Context, caps audit.Caps) (*pass, error) {
	p := &pass{Outbox: o, budget: map[audit.Line]int{}, told: map[string]bool{}, full: map[audit.SentTo]bool{}}
	var err error
	if p.allowed, err = o.Allowance(ctx, caps); err != nil {
		return nil, err
	}
	for line, most := range map[audit.Line]int{audit.LineFindings: p.allowed.Night, audit.LineAhead: p.allowed.Ahead} {
		sent, err := o.Ledger.SentSince(ctx, p.allowed.NightFrom, audit.SentTo{Line: line})
		if err != nil {
			return nil, err
		}
		p.budget[line] = most - sent
	}
	return p, nil
}

func (p *pass) waits(ctx context.Context, n audit.Notice) (string, error) {
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
	if line := n.Kind.Line(); p.budget[line] <= 0 {
		return "as many mails as notices." + capOf[line] + " allows were sent since the last run", nil
	}
	if why, err := p.overDay(ctx, n); err != nil || why != "" {
		return why, err
	}
	return p.withinHours(ctx, n)
}

// capOf names the setting that bounds a line.
var capOf = map[audit.Line]string{audit.LineFindings: "max_per_night", audit.LineAhead: "max_ahead_per_night"}

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
func (p *pass) withinHours(ctx context.Context, n audit.Notice) (string, error) {
	if p.Policy.Hours == (audit.Hours{}) || n.RunKey == "" && n.Kind == audit.KindRecovered {
		return "", nil
	}
	if p.unread == nil {
		var accounts map[string]audit.Account
		accounts, _, p.unread = aside.ReadAccounts(ctx, p.Accounts, n.Accounts())
		now := p.Now()
		if p.unread == nil && !decide.NextHour(p.Policy.Hours, now, p.ZoneOf(n, accounts)).Equal(now) {
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
func (o *Outbox) Allowance(ctx context.Context, caps audit.Caps) (audit.Allowance, error) {
	began, err := o.nightBegan(ctx)
	if err != nil || began.IsZero() {
		return audit.Allowance{}, err
	}
	y, m, d := o.Now().In(caps.Zone).Date()
	return audit.Allowance{
		Night: caps.Night, Ahead: caps.Ahead, Recipient: caps.Recipient, Domain: caps.Night, Tenant: caps.Tenant,
		NightFrom: began, DayFrom: time.Date(y, m, d, 0, 0, 0, 0, caps.Zone),
	}, nil
}

// nightRuns is how many runs are read at first: a night and the one before it, mostly.
const nightRuns = 3

// nightBegan is when the night's first run began: one of many narrowed runs has no more to tell than one of a
// whole. Zero before the first run.
func (o *Outbox) nightBegan(ctx context.Context) (began time.Time, err error) {
	for limit := nightRuns; ; limit *= 10 {
		runs, err := o.Ledger.ListRuns(ctx, limit, false)
		if err != nil || len(runs) == 0 {
			return time.Time{}, err
		}
		began, before := runs[0].StartedAt, false
		for _, run := range runs {
			if runs[0].StartedAt.Sub(run.StartedAt) >= audit.NightsApart {
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
func (p *pass) overDay(ctx context.Context, n audit.Notice) (string, error) {
	line, domain, most := n.Kind.Line(), p.domainOf(n), p.allowed.Domain
	if line == audit.LineAhead {
		most = p.allowed.Ahead
	}
	for _, c := range []struct {
		of   audit.SentTo
		most int
		why  string
	}{
		{audit.SentTo{Recipient: audit.Recipient(n.ContactEmail)}, p.allowed.Recipient, "the contact has had notices.max_per_recipient mails today"},
		{audit.SentTo{Domain: domain, Line: line}, most, "the contact's domain has had as many mails today as notices." + capOf[line] + " allows"},
		{audit.SentTo{Tenant: n.TenantID}, p.allowed.Tenant, "the tenant has had notices.max_per_tenant mails today"},
	} {
		if c.of == (audit.SentTo{}) || c.of == (audit.SentTo{Line: line}) {
			continue
		}
		if p.full[c.of] {
			return c.why, nil
		}
		sent, err := p.Ledger.SentSince(ctx, p.allowed.DayFrom, c.of)
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

// NoteStopped has a run's report tell operations that the kill switch is thrown.
func (o *Outbox) NoteStopped(ctx context.Context, key string) error {
	stopped, err := o.Ledger.Setting(ctx, audit.SettingStopped)
	if err != nil || stopped == "" {
		return err
	}
	return audit.NoteTrouble(ctx, o.Ledger, key, audit.Trouble{
		What: fmt.Sprintf("no customer mail leaves: stopped %s", stopped),
		Fix:  "mailaudit notices start --by WHO lets them leave again",
	})
}
