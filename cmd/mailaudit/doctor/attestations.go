package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/report"
)

// attestationCount counts the rows of one kind.
type attestationCount struct{ rows, hold, no, stale, elsewhere int }

// attestations counts by kind what the product attests of the accounts' two-factor, and names what is wrong with it.
func (d *Doctor) attestations(ctx context.Context) {
	if d.app.Attestor == nil {
		return
	}
	counts, odd, read, err := d.countAttestations(ctx)
	if err != nil {
		d.fail("attestations", err, "correct attestations in the configuration, or the table or view; no verdict depends on them")
		return
	}
	for _, o := range odd {
		d.fail("attestations", errors.New(o+"; these rows are left out"), "correct the rows of "+d.Config.Attestations)
	}
	var parts []string
	for _, kind := range audit.AttestationKinds {
		if c := counts[kind]; c.rows > 0 {
			parts = append(parts, fmt.Sprintf("%s %s (%s hold, %s say no, %s are older than 90 days or expired)", report.Count(c.rows), kind, report.Count(c.hold), report.Count(c.no), report.Count(c.stale)))
			if c.elsewhere > 0 {
				d.note("attestations", "%s %s of accounts at another provider than %s", report.Number(c.elsewhere, "row", "rows"), kind, attestedProvider(kind))
			}
		}
	}
	if rows, err := d.app.Attestor.Count(ctx); err == nil && rows > read && len(odd) == 0 {
		d.note("attestations", "%s of no account that mailaudit knows", report.Number(rows-read, "row is", "rows are"))
	}
	if len(parts) == 0 {
		d.note("attestations", "no row is of an account")
		return
	}
	d.ok("attestations", "%s", strings.Join(parts, ", "))
}

// countAttestations reads the attestations of all accounts; read is how many rows those are.
func (d *Doctor) countAttestations(ctx context.Context) (counts map[audit.AttestationKind]attestationCount, odd []string, read int, err error) {
	counts, now, after := map[audit.AttestationKind]attestationCount{}, d.Now(), ""
	for range flawsPages {
		page, err := d.app.Auditor.Night.Accounts.AccountsAfter(ctx, after, flawsPage, "")
		if err != nil || len(page) == 0 {
			return counts, odd, read, nil // the line on the database or the accounts says so
		}
		all, err := d.app.Attestor.Attestations(ctx, audit.IDs(page, func(a audit.Account) string { return a.ID }))
		if err != nil {
			return nil, nil, 0, err
		}
		for _, o := range all.Odd {
			if !slices.Contains(odd, o) {
				odd = append(odd, o)
			}
		}
		states, err := d.app.Store.LoadStates(ctx, slices.Sorted(maps.Keys(all.ByAccount)))
		if err != nil {
			return nil, nil, 0, err
		}
		for _, acc := range page {
			rows := all.ByAccount[acc.ID]
			if len(rows) == 0 {
				continue
			}
			provider := states[acc.ID].Provider // as the last run has it; "" before the first
			for _, a := range rows {
				read++
				c := counts[a.Kind]
				c.rows++
				switch {
				case decide.AttestationHolds(a, now):
					c.hold++
				case !a.Value:
					c.no++
				default:
					c.stale++
				}
				if of := attestedProvider(a.Kind); of != "" && provider != "" && provider != of {
					c.elsewhere++
				}
				counts[a.Kind] = c
			}
		}
		if len(page) < flawsPage {
			break
		}
		after = page[len(page)-1].ID
	}
	return counts, odd, read, nil
}

// attestedProvider is whose directory a kind is of; "" for any.
func attestedProvider(kind audit.AttestationKind) string {
	switch kind {
	case audit.GoogleEnrolled, audit.GoogleEnforced:
		return "google"
	case audit.EntraRegistered:
		return "microsoft"
	}
	return ""
}
