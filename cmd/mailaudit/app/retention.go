package app

import (
	"context"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/history"
	"mailaudit/report"
)

// discardWithin bounds what one night takes away of what is older than retention; the next goes on.
const discardWithin = 20 * time.Second

// discardOld takes away what is older than retention, in the store and in report.dir. The night is done by now,
// so that a fault is logged: the store's is left to the next night, the files of a run that the store has no more
// are left to people.
func (p *Publisher) discardOld(ctx context.Context) {
	gone := 0
	notary, err := p.Notary()
	if err == nil {
		err = notary.Expiring(ctx, p.Now().Add(-p.Config.Retention))
	}
	if err != nil {
		p.Log.Error("what is older than retention was not deleted, for the chain of evidence cannot say so; the next night tries again", "err", err)
		return
	}
	err = history.DiscardOld(ctx, p.Store, p.Now(), p.Config.Retention, discardWithin, func(key string) {
		gone++
		p.Log.Info("a run is older than retention and was deleted", "run", key)
		if p.Config.Report.Dir == "" {
			return
		}
		if err := report.RemoveDir(p.Config.Report.Dir, key); err != nil {
			p.Log.Error("the report of a run older than retention is still there; remove its folder by hand", "run", key, "err", err)
		}
	})
	if err == nil && gone > 0 && p.Config.Report.Dir != "" {
		var runs []audit.Run
		if runs, err = p.indexed(ctx); err == nil {
			err = p.writeIndex(runs)
		}
	}
	if err != nil {
		p.Log.Error("what is older than retention was not deleted; the next night tries again", "err", err)
	}
}
