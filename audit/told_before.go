package audit

import (
	"context"
	"fmt"
	"math"
)

// ToldBefore has a queued notice count as sent without a mail: its customers have one already, of which this
// database knows nothing since it was restored from a backup. Their reminders go on from now. It is an error if
// the notice is not queued, also where a process is sending it just now.
func (a *Auditor) ToldBefore(ctx context.Context, id int64, who, why string) error {
	n, err := a.Ledger.LoadNotice(ctx, id)
	if err != nil {
		return err
	}
	claim := NoClaim
	if n.State == NoticeQueued {
		// No mail leaves, so no cap has a say.
		if claim, err = a.Ledger.Claim(ctx, id, a.Now(), Allowance{Night: math.MaxInt32, Recipient: math.MaxInt32, Tenant: math.MaxInt32}); err != nil {
			return err
		}
	}
	if claim == NoClaim {
		return fmt.Errorf("notice M-%d does not wait to be mailed: it is %s", id, n.State.Shown())
	}
	if err := a.act(ctx, who, "notices told", fmt.Sprintf("M-%d", id), why); err != nil {
		return err
	}
	return a.Ledger.Sent(ctx, id, claim, a.Now(), "told before, by the word of "+who)
}
