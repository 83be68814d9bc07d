package app

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/audit"
)

// SendGoodNews sends the mails of this and earlier calls that say that a changed password works: at once,
// within the caps.
func (a *App) SendGoodNews(ctx context.Context) (sent int, err error) {
	desk, closeDesk, err := a.dispatcher()
	if err != nil || desk == nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeDesk()) }()
	if err := a.Store.RetryNow(ctx, a.Now()); err != nil {
		return 0, err
	}
	queued, err := a.Store.ListNotices(ctx, "", audit.NoticeQueued, goodNewsAtMost)
	if err != nil {
		return 0, err
	}
	for _, n := range queued {
		if n.RunKey != "" || n.Kind != audit.KindRecovered {
			continue
		}
		may, err := a.Auditor.Outbox.MayMail(ctx, a.Caps(), n.ID)
		if err != nil {
			return sent, err
		}
		if !may {
			continue
		}
		if err := desk.Notify(ctx, n.ID); err != nil {
			return sent, fmt.Errorf("the mail stays queued: %w", err)
		}
		now, err := a.Store.LoadNotice(ctx, n.ID)
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
