package app

import (
	"context"
	"time"

	"mailaudit/audit/operate"
)

// watch asks the accounts with an open finding as their secrets change, until the context ends. It goes on beside a night, at
// the pace that the providers bear: what it asks waits behind the conversations under way alone, not behind the night's list.
func (d *Daemon) watch(ctx context.Context) {
	every := d.Config.Watch
	if every <= 0 {
		return
	}
	watched := &operate.Watched{Digests: d.Config.Keyset.Kind != "none"}
	tick := time.NewTicker(every)
	defer tick.Stop()
	away := false
	for {
		did, err := d.Auditor.Operate.Watch(ctx, watched)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !away:
			d.Log.Warn("changed secrets are not looked at; tried again", "in", every, "err", err)
		case did.Asked > 0:
			d.Log.Info("changed secrets were asked", "asked", did.Asked, "recovered", did.Recovered, "refused", did.Refused)
			d.engine.Wake()
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
