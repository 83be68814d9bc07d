package main

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/audit"
	"mailaudit/report"
)

// changed verifies what customers have repaired since the last run. It makes no run and leaves the field to
// one that is at work.
func (r *runCmd) changed(ctx context.Context, a *app) error {
	open, err := a.store.ListRuns(ctx, 1, true)
	if err != nil {
		return err
	}
	if len(open) == 1 && a.store.workedOn(open[0], a.now()) {
		fmt.Fprintf(a.around.stdout, "run %s is at work; it asks the changed accounts itself\n", open[0].Key)
		return nil
	}
	unlock, err := lockStore(ctx, a.store, false)
	if errors.Is(err, errLocked) {
		fmt.Fprintln(a.around.stdout, "another mailaudit works on this database; nothing was asked")
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	did, err := a.auditor.Changed(ctx, r.scope())
	if err != nil {
		return err
	}
	sent, failed := a.sendGoodNews(ctx)
	_, err = fmt.Fprintf(a.around.stdout, "%s with a changed password asked: %d work again, %d not accepted; %s\n", report.Number(did.Asked, "account", "accounts"),
		did.Mended, did.Refused, report.Number(sent, "mail sent", "mails sent"))
	return errors.Join(failed, err)
}

// sendGoodNews sends the mails of this and earlier calls that say that a changed password works: at once,
// within the caps.
func (a *app) sendGoodNews(ctx context.Context) (sent int, err error) {
	desk, closeDesk, err := a.desk()
	if err != nil || desk == nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeDesk()) }()
	if err := a.store.Hasten(ctx, a.now()); err != nil {
		return 0, err
	}
	queued, err := a.store.ListNotices(ctx, "", audit.NoticeQueued, goodNewsAtMost)
	if err != nil {
		return 0, err
	}
	for _, n := range queued {
		if n.RunKey != "" || n.Kind != audit.KindRecovered {
			continue
		}
		may, err := a.auditor.MayMail(ctx, a.caps(), n.ID)
		if err != nil {
			return sent, err
		}
		if !may {
			continue
		}
		if err := desk.Notify(ctx, n.ID); err != nil {
			return sent, fmt.Errorf("the mail stays queued: %w", err)
		}
		now, err := a.store.LoadNotice(ctx, n.ID)
		if err != nil {
			return sent, err
		}
		if now.State == audit.NoticeSent {
			sent++
		}
	}
	return sent, nil
}

// goodNewsAtMost bounds one look into the outbox.
const goodNewsAtMost = 1000
