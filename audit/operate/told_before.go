package operate

import (
	"context"
	"fmt"
	"math"
	"time"

	"mailaudit/audit"
)

// toldBeforeStore is what this file needs of the store. The contracts are in package audit.
type toldBeforeStore interface {
	LoadNotice(ctx context.Context, id int64) (audit.Notice, error)
	Claim(ctx context.Context, id int64, now time.Time, within audit.Allowance) (audit.Claim, error)
	Sent(ctx context.Context, id int64, claim audit.Claim, now time.Time, detail string) error
}

// ToldBefore has a queued notice count as sent without a mail: its customers have one already, of which this
// database knows nothing since it was restored from a backup. Their reminders go on from now. It is an error if
// the notice is not queued, also where a process is sending it just now.
func (d *Desk) ToldBefore(ctx context.Context, id int64, who, why string) error {
	n, err := d.Ledger.LoadNotice(ctx, id)
	if err != nil {
		return err
	}
	claim := audit.NoClaim
	if n.State == audit.NoticeQueued {
		// No mail leaves, so no cap has a say.
		if claim, err = d.Ledger.Claim(ctx, id, d.Now(), audit.Allowance{Night: math.MaxInt32, Ahead: math.MaxInt32, Recipient: math.MaxInt32, Domain: math.MaxInt32, Tenant: math.MaxInt32}); err != nil {
			return err
		}
	}
	if claim == audit.NoClaim {
		return fmt.Errorf("notice M-%d does not wait to be mailed: it is %s", id, n.State.Shown())
	}
	if err := d.act(ctx, who, "notices told", fmt.Sprintf("M-%d", id), why); err != nil {
		return err
	}
	return d.Ledger.Sent(ctx, id, claim, d.Now(), "told before, by the word of "+who)
}
