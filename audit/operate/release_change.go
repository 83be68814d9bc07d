package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// releaseChangeStore is what this file needs of the store. The contracts are in package audit.
type releaseChangeStore interface {
	HeldNotices(ctx context.Context, h audit.Hold) ([]audit.Notice, error)
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
	QueueHeld(ctx context.Context, id int64, due time.Time) error
	DecideHold(ctx context.Context, h audit.Hold, keep []int64, detail string, due time.Time) error
}

// notAnnounced is why an account leaves a mail that is released for the change.
const notAnnounced = "not the announced change: on hold with the next run"

// ReleaseChange is [Desk.Release] of those accounts of an open hold that are an announced change. The others stay on
// hold; a hold that nobody is left in ends. An account that shares a mail with one of the change joins the hold again at
// the next run. Its errors are Release's; an unknown change is one, too.
func (d *Desk) ReleaseChange(ctx context.Context, key, provider, change, who, why string) (Released, error) {
	c, known := d.Policy.ChangeOf(provider, change)
	if !known {
		return Released{}, fmt.Errorf("%s has announced no change %q; %s", provider, change, d.changesOf(provider))
	}
	r, err := d.held(ctx, key, provider)
	if err != nil {
		return Released{}, err
	}
	if r.held, r.beside, err = d.ofChange(ctx, c, r.held); err != nil {
		return Released{}, err
	}
	if len(r.held) == 0 {
		return Released{}, fmt.Errorf("run %s, provider %s: no e-mail on hold is about %s", key, provider, change)
	}
	if err := d.act(ctx, who, "notices release", key+" "+provider+" "+change, why); err != nil {
		return Released{}, err
	}
	if err := r.ask(ctx); err != nil {
		return r.out, err
	}
	if r.out.Unasked == r.out.Accounts {
		return r.out, fmt.Errorf("%w (today's attempts are used up, or the provider does not answer): it stays open, try again tomorrow", ErrNobodyAsked)
	}
	return r.out, r.decideChange(ctx, c, who)
}

func (d *Desk) changesOf(provider string) string {
	var ids []string
	for _, c := range d.Policy.Changes {
		if c.Provider == provider {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return "it has announced none"
	}
	return "announced are " + strings.Join(ids, ", ")
}

// ofChange returns the held notices that tell of an account of the change, and the accounts in them that are none.
func (d *Desk) ofChange(ctx context.Context, c providers.Change, held []audit.Notice) (of []audit.Notice, beside map[string]bool, err error) {
	beside = map[string]bool{}
	for page := range slices.Chunk(held, releasePage) {
		var ids []string
		for _, n := range page {
			ids = append(ids, n.Accounts()...)
		}
		states, err := d.Ledger.LoadStates(ctx, ids)
		if err != nil {
			return nil, nil, err
		}
		for _, n := range page {
			others := slices.DeleteFunc(n.Accounts(), func(id string) bool { return decide.IsAnnounced(c, states[id]) })
			if len(others) == len(n.Items) {
				continue
			}
			of = append(of, n)
			for _, id := range others {
				beside[id] = true
			}
		}
	}
	return of, beside, nil
}

// releasePage is how many notices' accounts are looked at at once.
const releasePage = 200

// decideChange queues the mails of the change. Those about whom nothing could be learned stay on hold.
func (r *release) decideChange(ctx context.Context, c providers.Change, who string) error {
	accounts, err := r.Outbox.AccountsIn(ctx, audit.Run{}, r.held)
	if err != nil {
		return err
	}
	for _, n := range r.held {
		if !slices.ContainsFunc(n.Accounts(), func(id string) bool { return !r.beside[id] && r.answers[id] != answerNone }) {
			continue
		}
		left, err := r.narrow(ctx, n)
		if err != nil {
			return err
		}
		if !left {
			continue
		}
		due := decide.NextHour(r.Policy.Hours, r.Now(), r.Outbox.ZoneOf(n, accounts))
		if err := r.Ledger.QueueHeld(ctx, n.ID, due); err != nil {
			return err
		}
		r.out.queued(due)
	}
	h := r.hold
	rest, err := r.Ledger.HeldNotices(ctx, h)
	if err != nil {
		return err
	}
	h.DecidedAt, h.DecidedBy = r.Now(), who
	if r.out.OnHold = len(rest); len(rest) > 0 || len(r.beside) > 0 {
		return nil // those who share a mail with the change join it at the next run
	}
	h.State = audit.HoldReleased
	if err := r.Ledger.DecideHold(ctx, h, nil, string(answerNone), r.Now()); err != nil {
		return err
	}
	return r.noteDecision(ctx, h, fmt.Sprintf("%d of %d accounts still fail by the announced change %s and are mailed", r.out.Failing, r.out.Accounts, c.ID))
}
