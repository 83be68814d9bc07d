package audit

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// act keeps what an operator did. It comes before the deed where the deed tells customers something.
func (a *Auditor) act(ctx context.Context, who, what, target, why string) error {
	return a.Ledger.Act(ctx, Action{At: a.Now(), Who: who, What: what, Target: target, Why: why})
}

// Stop is the kill switch, thrown: who stopped the mails, when and why.
type Stop struct {
	Who string
	At  time.Time
	Why string
}

func (s Stop) String() string {
	text := "by " + s.Who + " since " + s.At.UTC().Format("2006-01-02 15:04 UTC")
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}

// StopMails throws the kill switch; StartMails takes it back. Both keep the action.
func (a *Auditor) StopMails(ctx context.Context, who, why string) error {
	s := Stop{Who: who, At: a.Now(), Why: why}
	if err := a.Ledger.PutSetting(ctx, SettingStopped, s.String()); err != nil {
		return err
	}
	return a.act(ctx, who, "notices stop", "", why)
}

func (a *Auditor) StartMails(ctx context.Context, who, why string) error {
	if err := a.act(ctx, who, "notices start", "", why); err != nil {
		return err
	}
	return a.Ledger.PutSetting(ctx, SettingStopped, "")
}

// NoteStopped has a run's report tell operations that the kill switch is thrown.
func (a *Auditor) NoteStopped(ctx context.Context, key string) error {
	stopped, err := a.Ledger.Setting(ctx, SettingStopped)
	if err != nil || stopped == "" {
		return err
	}
	return a.NoteTrouble(ctx, key, Trouble{
		What: fmt.Sprintf("no customer mail leaves: stopped %s", stopped),
		Mend: "mailaudit notices start --by WHO lets them leave again",
	})
}

// purgedSince tells whether a tenant was taken out of everything kept, states included.
func (a *Auditor) purgedSince(ctx context.Context, t time.Time) (bool, error) {
	acts, err := a.Ledger.Actions(ctx, t, a.Now().Add(time.Second))
	return slices.ContainsFunc(acts, func(act Action) bool { return act.What == actPurge }), err
}

// Resume has a stopped run go on under its key: our own side is looked at once more. Where its window has
// passed, it gets a new one.
func (a *Auditor) Resume(ctx context.Context, run Run) error {
	if err := a.Ledger.Reopen(ctx, run.Key); err != nil {
		return err
	}
	if now := a.Now(); !now.Before(run.Deadline) {
		return a.Ledger.Prolong(ctx, run.Key, now.Add(a.Policy.Window))
	}
	return nil
}

// AcceptSourceBy is [Auditor.AcceptSource] with who decided it and why.
func (a *Auditor) AcceptSourceBy(ctx context.Context, key, who, why string) error {
	if err := a.act(ctx, who, "run --accept-source", key, why); err != nil {
		return err
	}
	return a.AcceptSource(ctx, key)
}

// Snooze keeps a tenant's mails back until a moment, Unsnooze no longer; it tells whether there was a snooze.
func (a *Auditor) Snooze(ctx context.Context, s Snooze, why string) error {
	if err := a.Ledger.PutSnooze(ctx, s); err != nil {
		return err
	}
	return a.act(ctx, s.By, "notices snooze", s.TenantID+" until "+minute(s.Until), why)
}

func (a *Auditor) Unsnooze(ctx context.Context, tenant, who, why string) (bool, error) {
	was, err := a.Ledger.DropSnooze(ctx, tenant)
	if err != nil || !was {
		return was, err
	}
	return true, a.act(ctx, who, "notices unsnooze", tenant, why)
}

// Bounced puts an address to which mail came back on the call list. What waits for it is not sent.
func (a *Auditor) Bounced(ctx context.Context, address, detail, who string) error {
	if err := a.Ledger.Bounced(ctx, address, detail, a.Now()); err != nil {
		return err
	}
	return a.act(ctx, who, "notices bounced", FoldAddress(address), detail)
}
