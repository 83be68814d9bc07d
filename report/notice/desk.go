package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mailaudit/audit"
)

// Outbox is what the desk needs of the store; see [audit.Outbox] for what each does.
type Outbox interface {
	LoadNotice(ctx context.Context, id int64) (audit.Notice, error)
	Claim(ctx context.Context, id int64, now time.Time) (bool, error)
	Narrow(ctx context.Context, id int64, keep []string) error
	HandOver(ctx context.Context, id int64, messageID string, now time.Time) error
	Sent(ctx context.Context, id int64, now time.Time, detail string) error
	Unsent(ctx context.Context, id int64, state audit.NoticeState, detail string, due, now time.Time) error
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// Carrier hands a mail to the relay: a [*Sender], or a [*Collector] for a dry run.
type Carrier interface {
	Send(ctx context.Context, m Message, beforeDot func(context.Context) error) (Outcome, error)
}

// Desk sends notices that are due: it reads the account once more, composes, hands over and marks.
type Desk struct {
	Outbox   Outbox
	Accounts audit.Accounts
	Carrier  Carrier
	Settings Settings
	// Changed tells whether an account's secret is another than the one that the state was made of.
	Changed func(ctx context.Context, acc audit.Account, st audit.State) (bool, error)
	Now     func() time.Time
	Zone    *time.Location // of tenants that have none
	Log     *slog.Logger
}

const (
	tryAgainAfter = 5 * time.Minute // doubled at each try
	giveUpAfter   = 24 * time.Hour  // since the notice was due
)

// Notify sends one notice. Its error is our own trouble, such as a relay that refuses us: the notice stays
// queued. Notices that were overtaken by events are suppressed with the reason.
func (d *Desk) Notify(ctx context.Context, id int64) error {
	n, err := d.Outbox.LoadNotice(ctx, id)
	if err != nil || n.State != audit.NoticeQueued || n.DueAt.After(d.Now()) {
		return err
	}
	letter, why, err := d.letter(ctx, &n)
	if err != nil {
		return err
	}
	if why != "" {
		return d.Outbox.Unsent(ctx, id, audit.NoticeSuppressed, why, time.Time{}, d.Now())
	}
	message, err := Compose(letter, d.Settings)
	if errors.Is(err, ErrRecipient) {
		return d.Outbox.Unsent(ctx, id, audit.NoticeFailed, err.Error(), time.Time{}, d.Now())
	}
	if err != nil {
		return fmt.Errorf("compose notice %s: %w", Reference(id), err)
	}
	if claimed, err := d.Outbox.Claim(ctx, id, d.Now()); err != nil || !claimed {
		return err
	}
	return d.handOver(ctx, n, message)
}

func (d *Desk) handOver(ctx context.Context, n audit.Notice, m Message) error {
	out, sendErr := d.Carrier.Send(ctx, m, func(ctx context.Context) error {
		return d.Outbox.HandOver(ctx, n.ID, m.ID, d.Now())
	})
	// What became of the mail is noted even while we are being stopped.
	ctx = context.WithoutCancel(ctx)
	now := d.Now()
	var err error
	switch out.Result {
	case Sent:
		err = d.Outbox.Sent(ctx, n.ID, now, out.Detail)
	case Failed:
		err = d.Outbox.Unsent(ctx, n.ID, audit.NoticeFailed, out.Detail, time.Time{}, now)
	case Ambiguous:
		err = d.Outbox.Unsent(ctx, n.ID, audit.NoticeAmbiguous, out.Detail, time.Time{}, now)
	case Retry:
		err = d.putBack(ctx, n, out, sendErr, now)
	}
	d.Log.Info("notice", "notice", Reference(n.ID), "run", n.RunKey, "result", string(out.Result), "stage", out.Stage)
	return errors.Join(sendErr, err)
}

func (d *Desk) putBack(ctx context.Context, n audit.Notice, out Outcome, sendErr error, now time.Time) error {
	if sendErr != nil { // the relay or we ourselves, not this mail: no try of its own is used up
		return d.Outbox.Unsent(ctx, n.ID, audit.NoticeQueued, "waits for the relay: "+out.Stage, now, now)
	}
	if now.Sub(n.DueAt) > giveUpAfter {
		return d.Outbox.Unsent(ctx, n.ID, audit.NoticeFailed, "given up after 24 hours: "+out.Detail, time.Time{}, now)
	}
	wait := tryAgainAfter << min(n.Tries, 6)
	return d.Outbox.Unsent(ctx, n.ID, audit.NoticeQueued, out.Detail, now.Add(wait), now)
}

// letter reads the accounts once more and drops those that have nothing to be told any more. why tells
// that none is left.
func (d *Desk) letter(ctx context.Context, n *audit.Notice) (l Letter, why string, err error) {
	ids := make([]string, len(n.Items))
	for i, item := range n.Items {
		ids[i] = item.AccountID
	}
	loaded, err := d.Accounts.AccountsByID(ctx, ids)
	if err != nil {
		return l, "", err
	}
	accounts := make(map[string]audit.Account, len(loaded))
	for _, acc := range loaded {
		accounts[acc.ID] = acc
	}
	states, err := d.Outbox.LoadStates(ctx, ids)
	if err != nil {
		return l, "", err
	}
	l = Letter{
		Number: n.ID, Kind: n.Kind, Provider: n.Provider, ContactEmail: n.ContactEmail, Date: d.Now(), Zone: d.Zone,
	}
	if n.Thread != 0 {
		l.Thread = MessageID(n.Thread, d.Settings.Installation, d.Settings.From)
	}
	var keep []string
	for _, item := range n.Items {
		acc, st := accounts[item.AccountID], states[item.AccountID]
		if reason, err := d.overtaken(ctx, *n, acc, st); err != nil {
			return l, "", err
		} else if reason != "" {
			why = reason
			continue
		}
		keep = append(keep, acc.ID)
		l.address(acc)
		l.Items = append(l.Items, letterItem(*n, item, acc, st))
	}
	switch {
	case len(keep) == 0:
		return l, why, nil
	case len(keep) < len(n.Items):
		return l, "", d.Outbox.Narrow(ctx, n.ID, keep)
	}
	return l, "", nil
}

func (d *Desk) overtaken(ctx context.Context, n audit.Notice, acc audit.Account, st audit.State) (string, error) {
	recovered := n.Kind == audit.KindRecovered
	switch {
	case acc.ID == "":
		return "the account is gone", nil
	case acc.TenantID != n.TenantID || !audit.SameContact(acc.ContactEmail, n.ContactEmail):
		return "the tenant or its contact has changed", nil
	case recovered && st.Settled.Verdict.Failing():
		return "the account fails again", nil
	case !recovered && !st.Settled.Verdict.Failing():
		return "the account works again", nil
	case recovered:
		return "", nil
	}
	changed, err := d.Changed(ctx, acc, st)
	if changed {
		return "the password was changed since", err
	}
	return "", err
}

// address fills in what the letter's accounts say about their common contact; the first that says it counts.
func (l *Letter) address(acc audit.Account) {
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
	out := Item{Mailbox: acc.Address, Brand: st.Brand, Verdict: st.Settled.Verdict, Actor: st.Settled.Actor, Since: st.Settled.Since}
	if n.Kind == audit.KindRecovered {
		out.Verdict, out.Since = item.Verdict, item.Since
		return out
	}
	out.Seen = []time.Time{st.Settled.Since}
	if st.Settled.Nights > 1 {
		out.Seen = append(out.Seen, st.Settled.NightAt)
	}
	return out
}
