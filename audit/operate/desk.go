// Package operate is what people decide: release or discard a hold, correct a run that was wrong, stop and start the
// mails, snooze a tenant, note a bounce, purge a tenant, accept a changed source, and have repaired accounts asked
// between two runs. Each is kept as an action with who, when and why, before it tells customers anything.
//
// It may ask accounts again and write notices through the packages ask and outbox. It must never act by itself.
package operate

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
	"mailaudit/audit/outbox"
)

// Desk is where operators' decisions are carried out.
type Desk struct {
	Accounts audit.Accounts
	Ledger   Ledger
	Aside    *aside.Keeper
	Ask      *ask.Asker // nil where nothing is asked
	Outbox   *outbox.Outbox
	Policy   audit.Policy
	Now      func() time.Time
	Log      *slog.Logger
	// Title is a provider's name for people, by its key. May be nil.
	Title func(provider string) string

	rechecked ask.Keyed[string, sync.Mutex]
}

// deskStore is what this file needs of the store. The contracts are in package audit.
type deskStore interface {
	Act(ctx context.Context, a audit.Action) error
	PutSetting(ctx context.Context, name, value string) error
	PutSnooze(ctx context.Context, s audit.Snooze) error
	DropSnooze(ctx context.Context, tenant string) (bool, error)
	Bounced(ctx context.Context, address, detail string, now time.Time) error
}

// act keeps what an operator did. It comes before the deed where the deed tells customers something.
func (d *Desk) act(ctx context.Context, who, what, target, why string) error {
	return d.Ledger.Act(ctx, audit.Action{At: d.Now(), Who: who, What: what, Target: target, Why: why})
}

// StopMails throws the kill switch; StartMails takes it back. Both keep the action.
func (d *Desk) StopMails(ctx context.Context, who, why string) error {
	s := audit.Stop{Who: who, At: d.Now(), Why: why}
	if err := d.Ledger.PutSetting(ctx, audit.SettingStopped, s.String()); err != nil {
		return err
	}
	return d.act(ctx, who, "notices stop", "", why)
}

// StartMails takes the kill switch back; see [Desk.StopMails].
func (d *Desk) StartMails(ctx context.Context, who, why string) error {
	if err := d.act(ctx, who, "notices start", "", why); err != nil {
		return err
	}
	return d.Ledger.PutSetting(ctx, audit.SettingStopped, "")
}

// Snooze keeps a tenant's mails back until a moment, Unsnooze no longer; it reports whether there was a snooze.
func (d *Desk) Snooze(ctx context.Context, s audit.Snooze, why string) error {
	if err := d.Ledger.PutSnooze(ctx, s); err != nil {
		return err
	}
	return d.act(ctx, s.By, "notices snooze", s.TenantID+" until "+audit.FormatMinute(s.Until), why)
}

// Unsnooze lets a tenant's mails leave again; false if it was not snoozed.
func (d *Desk) Unsnooze(ctx context.Context, tenant, who, why string) (bool, error) {
	was, err := d.Ledger.DropSnooze(ctx, tenant)
	if err != nil || !was {
		return was, err
	}
	return true, d.act(ctx, who, "notices unsnooze", tenant, why)
}

// Bounced puts an address to which mail came back on the call list. What waits for it is not sent.
func (d *Desk) Bounced(ctx context.Context, address, detail, who string) error {
	if err := d.Ledger.Bounced(ctx, address, detail, d.Now()); err != nil {
		return err
	}
	return d.act(ctx, who, audit.ActionBounced, audit.FoldAddress(address), detail)
}
