package main

import (
	"context"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

// discardWithin bounds what one night takes away of what is older than retention; the next goes on.
const discardWithin = 20 * time.Second

// discardOld takes away what is older than retention, in the store and in report.dir. The night is done by now,
// so that a fault is logged: the store's is left to the next night, the files of a run that the store has no more
// are left to people.
func (p *publisher) discardOld(ctx context.Context) {
	gone := 0
	err := audit.DiscardOld(ctx, p.store, p.now(), p.config.Retention, discardWithin, func(key string) {
		gone++
		p.log.Info("a run is older than retention and was deleted", "run", key)
		if p.config.Report.Dir == "" {
			return
		}
		if err := report.RemoveDir(p.config.Report.Dir, key); err != nil {
			p.log.Error("the report of a run older than retention is still there; remove its folder by hand", "run", key, "err", err)
		}
	})
	if err == nil && gone > 0 && p.config.Report.Dir != "" {
		err = p.writeIndex(ctx)
	}
	if err != nil {
		p.log.Error("what is older than retention was not deleted; the next night tries again", "err", err)
	}
}
