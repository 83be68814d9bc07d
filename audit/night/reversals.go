package night

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
)

// reversalsStore is what this file needs of the store. The contracts are in package audit.
type reversalsStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	LoadNotice(ctx context.Context, id int64) (audit.Notice, error)
	LoadStatesIn(ctx context.Context, key string, ids []string) (map[string]audit.State, error)
	Unsettled(ctx context.Context, run audit.Run, after string, limit int) ([]string, error)
}

// doubted looks at what the run's results take back of earlier refusals, and names the rules that are not to be trusted
// alone. Results that the rulings discard take nothing back.
func (a *Auditor) doubted(ctx context.Context, run audit.Run, rulings decide.Rulings) (map[string]decide.Doubt, error) {
	var count decide.Reversals
	for after := ""; ; {
		page, err := a.Ledger.Unsettled(ctx, run, after, settlePage)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return count.Doubted(), nil
		}
		after = page[len(page)-1]
		err = aside.Apart(page, a.Aside.Spares(ctx, run, a.Ledger), func(some []string) error {
			states, err := a.Ledger.LoadStatesIn(ctx, run.Key, some)
			if err != nil {
				return err
			}
			for _, st := range states {
				if st.Tonight != nil {
					count.Add(rulings.Apply(st))
				}
			}
			return nil
		}, func(string, error) error { return nil }) // it is set aside when it is to be settled
		if err != nil {
			return nil, err
		}
	}
}

// tellDoubts reports the rules that are ambiguous for the run.
func (a *Auditor) tellDoubts(ctx context.Context, run audit.Run, doubted map[string]decide.Doubt) error {
	for _, rule := range slices.Sorted(maps.Keys(doubted)) {
		d := doubted[rule]
		err := audit.NoteTrouble(ctx, a.Ledger, run.Key, audit.Trouble{
			What: fmt.Sprintf("%d of the %d refusals by the rule %s were reversed: the same secret is accepted now; the rule is ambiguous for this run", d.Reversed, d.Of, rule),
			Fix:  "mailaudit rules list " + rule + " explains it; if it accuses wrongly, correct it in rules_dir",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// toldBy names the run that notified the customer of a refusal that is taken back; "" where no run did, or its notice is
// not kept any more.
func (a *Auditor) toldBy(ctx context.Context, st audit.State) string {
	n, err := a.Ledger.LoadNotice(ctx, st.Told.NoticeID)
	if err != nil {
		a.Log.Warn("the run that told of a reversed refusal is not found", "account", st.AccountID, "err", err)
		return ""
	}
	return n.RunKey
}
