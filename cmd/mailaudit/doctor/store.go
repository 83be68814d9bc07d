package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/gate"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
)

// secrets opens one that is stored.
func (d *Doctor) secrets(ctx context.Context) {
	accounts, err := d.app.Auditor.Night.Accounts.AccountsAfter(ctx, "", 1, "")
	switch {
	case err != nil:
		d.fail("accounts", err, "check accounts.database, accounts.relation and the role's grants")
		return
	case len(accounts) == 0:
		d.noAccount(ctx)
		return
	}
	err = d.app.Auditor.Ask.CheckKeys(ctx)
	switch {
	case app.IsDown(err):
		d.fail("secrets", err, "start the program or sidecar that keyset names; by hand, a line of {\"account_id\", \"secret\"} shows what it says")
	case errors.Is(err, ask.ErrWrongKeyset):
		d.fail("secrets", err, "configure the keyset that sealed them; an older copy lacks the keys that keys rotate has added since")
	case err != nil:
		d.fail("secrets", err, "check accounts.relation and the role's grant on the column secret")
	default:
		d.opened(ctx)
	}
}

func (d *Doctor) noAccount(ctx context.Context) {
	if from, ok := d.app.Auditor.Night.Accounts.(gate.Hiding); ok {
		if tables, err := from.HiddenBy(ctx); err == nil && tables != "" {
			d.fail("accounts", errors.New("there is no account to audit, and row level security is on for "+tables), gate.HidingFix)
			return
		}
	}
	d.fail("accounts", errors.New("there is no account to audit"), "mailaudit accounts import FILE.csv, or set accounts.relation")
}

// opened tells a secret that was opened from one that an opener hands back as it is stored: what is sealed
// would go to the providers as a password, and every account would be refused.
func (d *Doctor) opened(ctx context.Context) {
	if kind := d.Config.Keyset.Kind; kind != "exec" && kind != "unix" {
		d.ok("secrets", "a stored secret can be decrypted")
		return
	}
	opened, unchanged, err := d.countUnchanged(ctx)
	switch {
	case err != nil:
		d.fail("secrets", err, "check accounts.relation and the role's grant on the column secret")
	case unchanged == 0:
		d.ok("secrets", "a stored secret can be decrypted")
	case unchanged == opened:
		d.fail("secrets", errors.New("the opener gives back what is stored, as it is stored"),
			"have it open the secret; if they are stored in the clear, keyset none says so")
	default:
		d.note("secrets", "%s of %d are stored in the clear: the opener gives them back as they are", report.Count(unchanged), opened)
	}
}

// unchangedLookedAt is enough to tell an opener that opens nothing; each secret may take its while.
const unchangedLookedAt = 25

// countUnchanged opens stored secrets, and counts those that come back as they are stored.
func (d *Doctor) countUnchanged(ctx context.Context) (opened, unchanged int, err error) {
	accounts, err := d.app.Auditor.Night.Accounts.AccountsAfter(ctx, "", unchangedLookedAt, "")
	if err != nil {
		return 0, 0, err
	}
	sealed, err := d.app.Auditor.Night.Accounts.SealedSecrets(ctx, accountIDs(accounts))
	if err != nil {
		return 0, 0, err
	}
	for id, stored := range sealed {
		secret, err := d.app.Auditor.Ask.Open(id, stored)
		if err != nil || secret.Empty() {
			continue
		}
		opened++
		if secret.Reveal() == string(stored) {
			unchanged++
		}
	}
	return opened, unchanged, nil
}

func accountIDs(accounts []audit.Account) []string {
	ids := make([]string, len(accounts))
	for i, acc := range accounts {
		ids[i] = acc.ID
	}
	return ids
}

// printsLookedAt is enough to tell a few changed passwords from a changed key.
const printsLookedAt = 200

// fingerprints compares stored ones with those that the configured key makes. Under another key every secret
// would look as if its customer had changed it.
func (d *Doctor) fingerprints(ctx context.Context) {
	same, other, err := d.comparePrints(ctx)
	switch {
	case err != nil:
		d.fail("fingerprints", err, "see the lines on database and secrets")
	case same+other == 0:
		d.note("fingerprints", "none is stored yet; the first run makes them")
	case same == 0 && other > 2:
		d.fail("fingerprints", fmt.Errorf("none of %d stored fingerprints is one of this key", other),
			"restore the fingerprint key that was made first (fingerprint_key); it is never rotated")
	default:
		d.ok("fingerprints", "%d of %d secrets are those of the last run", same, same+other)
	}
}

func (d *Doctor) comparePrints(ctx context.Context) (same, other int, err error) {
	accounts, err := d.app.Auditor.Night.Accounts.AccountsAfter(ctx, "", printsLookedAt, "")
	if err != nil {
		return 0, 0, err
	}
	ids := accountIDs(accounts)
	states, err := d.app.Store.LoadStates(ctx, ids)
	if err != nil {
		return 0, 0, err
	}
	sealed, err := d.app.Auditor.Night.Accounts.SealedSecrets(ctx, ids)
	if err != nil {
		return 0, 0, err
	}
	for id, state := range states {
		secret, err := d.app.Auditor.Ask.Open(id, sealed[id])
		if err != nil || state.Fingerprint == "" {
			continue // the line on secrets tells
		}
		if ask.IsSecret(d.app.Keys, state, id, secret, state.Fingerprint) {
			same++
		} else {
			other++
		}
	}
	return same, other, nil
}

func (d *Doctor) late(ctx context.Context) {
	if d.Config.Notices.Mode != string(audit.ModeLive) {
		d.note("notices", "notices.mode is %s: no customer is mailed", d.Config.Notices.Mode)
		return
	}
	if stopped, err := d.app.Store.Setting(ctx, audit.SettingStopped); err == nil && stopped != "" {
		d.note("notices", "stopped by an operator (%s); mailaudit notices start lets them go on", stopped)
	}
	late, err := d.app.LateMails(ctx)
	switch {
	case err != nil:
		d.fail("notices", err, "")
	case late > 0:
		d.fail("notices", fmt.Errorf("%s due for 24 hours and not sent", app.HowMany(late, "mail")),
			"nothing runs mailaudit deliver every hour, or serve; or the relay refuses (see its line)")
	default:
		d.ok("notices", "no mail is overdue")
	}
}

// quietAfter is how long a nightly audit may be silent before somebody should look.
const quietAfter = 26 * time.Hour

func (d *Doctor) runs(ctx context.Context) {
	runs, err := d.app.Store.ListRuns(ctx, app.RunsLookedAt, false)
	if err != nil {
		d.fail("runs", err, "")
		return
	}
	if len(runs) == 0 {
		d.note("runs", "none yet; mailaudit run --dry-run --limit 10 shows what one would find")
		return
	}
	now := d.Now()
	switch i := app.LastConcluded(runs); {
	case runs[0].Status == audit.RunStopped:
		d.fail("runs", fmt.Errorf("run %s was stopped: %s", runs[0].Key, runs[0].StopReason), "mend that, then start the run again")
	case i < 0:
		d.note("runs", "none of the whole source is concluded yet; the latest is %s: %s", runs[0].Key, runs[0].Status)
	case now.Sub(runs[i].FinishedAt) > quietAfter:
		d.fail("runs", fmt.Errorf("the last concluded run is %s, of %s", runs[i].Key, runs[i].FinishedAt.In(d.Config.TimeZone).Format("2006-01-02 15:04")),
			"see whether cron, the CronJob or serve starts it (kubectl get cronjob, systemctl list-timers)")
	default:
		d.ok("runs", "the last one is %s: %s", runs[i].Key, app.DescribeRun(runs[i]))
	}
}
