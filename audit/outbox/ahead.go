package outbox

import (
	"context"
	"fmt"
	"slices"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// NoteLateWarnings tells operations, from the first warning on, how many customers the caps will not let hear of an
// announced change before its day.
func (o *Outbox) NoteLateWarnings(ctx context.Context, run audit.Run) error {
	if o.Policy.Mode != audit.ModeLive {
		return nil
	}
	for _, c := range o.Policy.Changes {
		w, due := decide.WarningDue(c, run.StartedAt)
		if !due {
			continue
		}
		late, err := o.LateWarnings(ctx, w)
		if err != nil {
			return err
		}
		if late.Customers == 0 {
			continue
		}
		if err := audit.NoteTrouble(ctx, o.Ledger, run.Key, late.Trouble()); err != nil {
			return err
		}
	}
	return nil
}

// LateWarnings are first warnings of a change that the caps let leave on its day at the earliest.
type LateWarnings struct {
	Change     audit.Warning
	Customers  int // e-mails: one for each tenant and contact
	Days       int // before the change, on which e-mail leaves
	Ahead      int // notices.max_ahead_per_night as it is
	Needed     int // and as it would have to be; 0 where the other caps are too low, too
	DaysNeeded int // under the caps as they are, days for e-mail
}

// Trouble is what operations are told.
func (l LateWarnings) Trouble() audit.Trouble {
	t := audit.Trouble{
		What: fmt.Sprintf("%s will not be warned before %s (%s): %s for e-mail left, %d warnings a run",
			audit.Plural(l.Customers, "customer"), l.Change.Day.Format("2 Jan 2006"), l.Change.Title, audit.Plural(l.Days, "day"), l.Ahead),
		Fix: "call them: their contacts may have no more e-mails a day (notices.max_per_recipient, notices.max_per_tenant)",
	}
	switch {
	case l.Days == 0:
		t.Fix = "call them: no day for e-mail is left (notices.send_between)"
	case l.Needed > 0:
		t.Fix = fmt.Sprintf("set notices.max_ahead_per_night to %d", l.Needed)
	}
	t.Fix += "; mailaudit rehearse --change " + l.Change.ID + " shows the days"
	return t
}

// aheadAtMost bounds the line that is looked at.
const aheadAtMost = 50_000

// LateWarnings plays the line of warnings under the caps until the day of the change.
func (o *Outbox) LateWarnings(ctx context.Context, w audit.Warning) (LateWarnings, error) {
	all, err := o.Ledger.DueNotices(ctx, w.Day, aheadAtMost)
	if err != nil {
		return LateWarnings{}, err
	}
	all = slices.DeleteFunc(all, func(n audit.Notice) bool { return n.Kind.Line() != audit.LineAhead })
	line := make([]decide.Waiting, len(all))
	last := -1 // of the first warnings of this change
	isFirst := func(n audit.Notice) bool { return n.Provider == w.Provider && n.Thread == 0 }
	for i, n := range all {
		line[i] = decide.Waiting{Recipient: audit.Recipient(n.ContactEmail), Tenant: n.TenantID}
		if isFirst(n) {
			last = i
		}
	}
	late := LateWarnings{Change: w, Ahead: o.Policy.Caps.Ahead, Days: decide.SendDays(o.Policy.Hours, o.Now(), w.Day, o.Policy.Zone)}
	allowed, err := o.Allowance(ctx, o.Policy.Caps)
	if err != nil {
		return late, err
	}
	already, err := o.Ledger.SentSince(ctx, allowed.NightFrom, audit.SentTo{Line: audit.LineAhead})
	if err != nil {
		return late, err
	}
	for _, i := range decide.LeftBehind(line, o.Policy.Caps, already, late.Days) {
		if isFirst(all[i]) {
			late.Customers++
		}
	}
	if late.Customers > 0 && late.Days > 0 {
		late.Needed, _ = decide.AheadNeeded(line[:last+1], o.Policy.Caps, already, late.Days)
		late.DaysNeeded = decide.DaysNeeded(line[:last+1], o.Policy.Caps, already)
	}
	return late, nil
}
