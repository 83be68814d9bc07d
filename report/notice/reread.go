package notice

import (
	"context"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
)

// reading is a notice as its accounts stand now.
type reading struct {
	letter Letter
	keep   []string // the accounts that it still holds for
	why    string   // why it is not to be sent at all; "" if it is
	seen   []audit.State
}

// stale are the accounts that the notice accuses on a refusal that is too old for it to leave at now.
func (r reading) stale(now time.Time) (ids []string) {
	for _, st := range r.seen {
		if !st.Fresh(now) {
			ids = append(ids, st.AccountID)
		}
	}
	return ids
}

// Stale returns the accounts that are to be re-checked before the notice may leave.
func (d *Dispatcher) Stale(ctx context.Context, n audit.Notice) ([]string, error) {
	r, err := d.read(ctx, n)
	if err != nil || r.why != "" {
		return nil, err
	}
	return r.stale(d.Now()), nil
}

// read reads a notice's accounts once more and writes the letter about those that it still holds for.
func (d *Dispatcher) read(ctx context.Context, n audit.Notice) (r reading, err error) {
	if r.why, err = d.SuppressReason(ctx, n); r.why != "" || err != nil {
		return r, err
	}
	ids := make([]string, len(n.Items))
	for i, item := range n.Items {
		ids[i] = item.AccountID
	}
	accounts, unread, err := aside.ReadAccounts(ctx, d.Accounts, ids)
	if err != nil {
		return r, err
	}
	states, err := d.Outbox.LoadStates(ctx, ids)
	if err != nil {
		return r, err
	}
	l := &r.letter
	*l = Letter{
		TenantID: n.TenantID,
		Number:   n.ID, Kind: n.Kind, Provider: n.Provider, ContactEmail: n.ContactEmail, Date: d.Now(), Zone: d.Zone,
	}
	if n.Thread != 0 {
		l.Thread = MessageID(n.Thread, d.Settings.Installation, d.Settings.From)
	}
	for _, item := range n.Items {
		acc, st := accounts[item.AccountID], states[item.AccountID]
		if cause := unread[item.AccountID]; cause != nil && n.Kind != audit.KindCorrection {
			d.Log.Error("account set aside from its mail", "notice", Reference(n.ID), "account", item.AccountID, "err", cause)
			r.why = audit.SetAside + "the row of its account cannot be read"
			continue
		}
		if reason, err := d.overtaken(ctx, n, acc, st); err != nil {
			return r, err
		} else if reason != "" {
			r.why = reason
			continue
		}
		r.keep = append(r.keep, item.AccountID)
		if n.Kind.TellsFailure() {
			r.seen = append(r.seen, st)
		}
		l.address(n, acc)
		l.Items = append(l.Items, letterItem(n, item, acc, st))
	}
	if len(r.keep) > 0 {
		r.why = ""
	}
	return r, nil
}

// overtaken tells why an account has nothing to be told any more; "" if it has.
func (d *Dispatcher) overtaken(ctx context.Context, n audit.Notice, acc audit.Account, st audit.State) (string, error) {
	recovered := n.Kind == audit.KindRecovered
	switch {
	case n.Kind == audit.KindCorrection:
		return "", nil // who was told something wrong is told so, whatever has become of the account
	case acc.ID == "":
		return "the account is gone", nil
	case acc.TenantID != n.TenantID || !audit.SameContact(acc.ContactEmail, n.ContactEmail):
		return "the tenant or its contact has changed", nil
	case recovered && st.Settled.Verdict.Failing():
		return "the account fails again", nil
	case n.Kind == audit.KindAhead && acc.Auth == audit.AuthOAuth2:
		return "the mailbox is connected by now", nil
	case n.Kind == audit.KindAhead && st.Settled.Verdict.Failing() && st.Settled.Verdict != audit.SingleFactor:
		return "the account fails", nil
	case n.Kind == audit.KindAhead:
		return "", nil
	case !recovered && !st.Settled.Verdict.Failing():
		return "the account works again", nil
	case recovered:
		return d.untold(ctx, n, st)
	case !d.Only.Tells(st.Settled.Verdict):
		return "outside notices.only", nil
	case st.Settled.Verdict != audit.SingleFactor && acc.LastSentOKAt.After(st.DefiniteAt):
		return "the product has sent mail through it since", nil
	}
	changed, err := d.Changed(ctx, acc, st)
	if changed {
		return "the password was changed since", err
	}
	return "", err
}

// untold tells why a contact has nothing to be told of a mailbox that works again: it never heard of the failure. Who was
// reminded may have been another than who had the first notice.
func (d *Dispatcher) untold(ctx context.Context, n audit.Notice, st audit.State) (string, error) {
	if st.Told.NoticeID == 0 || st.Told.Step > 1 {
		return "", nil
	}
	first, err := d.Outbox.LoadNotice(ctx, st.Told.NoticeID)
	switch {
	case err != nil:
		return "", err
	case first.State == audit.NoticeFailed || !audit.SameContact(first.ContactEmail, n.ContactEmail):
		return "its contact was not notified of the failure", nil
	}
	return "", nil
}

// address fills in what the letter's accounts say about their common contact; the first that says it counts.
// An account that has another contact by now says nothing.
func (l *Letter) address(n audit.Notice, acc audit.Account) {
	if acc.TenantID != n.TenantID || !audit.SameContact(acc.ContactEmail, n.ContactEmail) {
		return
	}
	if l.TenantName == "" {
		l.TenantName = acc.TenantName
	}
	if l.ContactName == "" {
		l.ContactName = acc.ContactName
	}
	if l.Locale == "" {
		l.Locale = acc.Locale
	}
	if zone, err := time.LoadLocation(acc.TimeZone); err == nil && acc.TimeZone != "" {
		l.Zone = zone
	}
}

func letterItem(n audit.Notice, item audit.NoticeItem, acc audit.Account, st audit.State) Item {
	out := Item{
		AccountID: item.AccountID, Mailbox: acc.Address, Brand: st.Brand, Grant: acc.Auth == audit.AuthOAuth2,
		Verdict: st.Settled.Verdict, Actor: st.Settled.Actor, Since: st.Settled.Since,
	}
	switch n.Kind {
	case audit.KindCorrection:
		if acc.TenantID != n.TenantID {
			out.Mailbox = st.Address // as it was when this tenant was told
		}
		out.Verdict, out.Since = item.Verdict, item.Since
		return out
	case audit.KindRecovered:
		out.Verdict, out.Since = item.Verdict, item.Since
		return out
	}
	out.Seen = []time.Time{st.Settled.Since}
	if st.Settled.Nights > 1 {
		out.Seen = append(out.Seen, st.Settled.NightAt)
	}
	if st.SeenAt.Sub(st.Settled.NightAt) >= audit.NightsApart { // re-checked since, and no part of that night
		out.Seen = append(out.Seen, st.SeenAt)
	}
	return out
}
