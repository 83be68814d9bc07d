package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mailaudit/audit"
	"mailaudit/audit/gate"
	"mailaudit/report"
)

const (
	flawsPage   = 2000
	flawsPages  = 500 // of a source that has more, the rest is left to the run
	flawsShown  = 10  // kinds of flaws
	flawsNamed  = 3   // examples of each
	flawsAction = "correct the source table or view; until then these accounts are not checked and their customers not notified"
)

// flaws counts by column what the gate finds in the source's rows, with examples by id.
func (d *Doctor) flaws(ctx context.Context) {
	examples, counts := map[audit.Flaw][]string{}, map[audit.Flaw]int{}
	accounts := d.app.Auditor.Night.Accounts
	n, last, after := 0, "", ""
	for range flawsPages {
		page, err := accounts.AccountsAfter(ctx, after, flawsPage, "")
		if err != nil {
			return // the line on the database or the accounts says so
		}
		for _, acc := range page {
			if acc.ID == last {
				continue // a row of the same id
			}
			last, n = acc.ID, n+1
			for _, f := range []audit.Flaw{acc.Flaw, acc.Doubt} {
				if f.Column == "" {
					continue
				}
				if counts[f]++; len(examples[f]) < flawsNamed {
					examples[f] = append(examples[f], report.Plain(acc.ID))
				}
			}
		}
		if len(page) < flawsPage {
			break
		}
		after = page[len(page)-1].ID
	}
	found := slices.SortedFunc(maps.Keys(counts), func(a, b audit.Flaw) int { return counts[b] - counts[a] })
	for _, f := range found[:min(len(found), flawsShown)] {
		d.fail("source", fmt.Errorf("%s: column %s %s, as in %s", report.Number(counts[f], "account", "accounts"), f.Column, f.What, strings.Join(examples[f], ", ")), flawsAction)
	}
	if from, ok := accounts.(gate.Unnamed); ok {
		if unnamed, err := from.WithoutID(ctx); err == nil && unnamed > 0 {
			d.fail("source", fmt.Errorf("%s no account_id, and no report counts them", report.Number(unnamed, "row has", "rows have")), "give each row of the source table or view an account_id")
		}
	}
	d.costs(ctx)
	if len(found) == 0 && n > 0 {
		d.ok("source", "the rows of %s pass every check", report.Number(n, "account", "accounts"))
	}
}

// costs names what a night's statements cost the source's database.
func (d *Doctor) costs(ctx context.Context) {
	from, ok := d.app.Auditor.Night.Accounts.(gate.Costing)
	if !ok {
		return
	}
	costs, err := from.Costs(ctx)
	if err != nil || len(costs) == 0 {
		return // the line on the accounts says what fails
	}
	d.fail("source", errors.New(strings.Join(costs, "; ")), gate.CostsFix)
}
