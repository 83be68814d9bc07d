package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

	"mailaudit/audit/postgres"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

// Doctor goes on after a failure, so that one call finds everything; what cannot be asked for want of
// something else is left out.
type Doctor struct {
	*app.Setup
	ConfigPath string
	Out        io.Writer
	app        *app.App // nil where keys, database, accounts or network are not as they should be
	Failures   int
}

func (d *Doctor) line(mark, subject, text string) {
	fmt.Fprintf(d.Out, "%-4s  %-13s  %s\n", mark, subject, report.Plain(text))
}

func (d *Doctor) ok(subject, format string, args ...any) {
	d.line("ok", subject, fmt.Sprintf(format, args...))
}

// note is for what is no difference and yet worth knowing.
func (d *Doctor) note(subject, format string, args ...any) {
	d.line("note", subject, fmt.Sprintf(format, args...))
}

func (d *Doctor) fail(subject string, err error, fix string) {
	d.Failures++
	text := exit.OneLine(err)
	if fix != "" {
		text += "; fix: " + fix
	}
	d.line("FAIL", subject, text)
}

// Examine makes every check and prints a line each.
func (d *Doctor) Examine(ctx context.Context) {
	v, _ := app.BuildVersion()
	d.ok("configuration", "%s, mailaudit %s", d.configName(), v)
	keys := d.keys()
	stored := d.database(ctx)
	if keys && stored {
		d.open(ctx)
	}
	if d.app != nil {
		defer d.app.Close()
		d.installation(ctx)
		d.secrets(ctx)
		d.fingerprints(ctx)
		d.canaries(ctx)
		d.flaws(ctx)
		d.attestations(ctx)
		d.late(ctx)
		d.runs(ctx)
	}
	d.signing()
	d.guides()
	d.rules()
	d.relay(ctx)
	d.slack(ctx)
	d.clock(ctx)
	if d.app != nil {
		d.accounts(ctx)
	}
	d.folder("report.dir", d.Config.Report.Dir)
	d.textfile()
	d.schedule()
	d.watchers(ctx)
}

func (d *Doctor) configName() string {
	if d.ConfigPath != "" {
		return d.ConfigPath
	}
	if name, ok := d.Env.LookupEnv("MAILAUDIT_CONFIG"); ok && name != "" {
		return name
	}
	return "no file, defaults alone"
}

func (d *Doctor) keys() bool {
	// What would be logged is told as notes.
	keys, err := app.OpenKeys(d.Config, d.Env.LookupEnv, slog.New(slog.DiscardHandler))
	if err != nil && d.Config.ProductSeals() {
		d.fail("keys", err, "correct keyset (exec: names a program by its whole path, in this container) and fingerprint_key")
		return false
	}
	if errors.Is(err, fs.ErrNotExist) {
		d.fail("keys", err, "") // it says itself what to do
		return false
	}
	if err != nil {
		d.fail("keys", err, "point keyset and fingerprint_key at the files that mailaudit keys new has made, or restore them from their copy")
		return false
	}
	keys.Close()
	for _, warning := range keys.Warnings {
		d.note("keys", "%s", warning)
	}
	if d.Config.ProductSeals() {
		d.ok("keys", "the fingerprint key is read; the product seals the secrets itself (keyset is %s)", d.Config.Keyset.Kind)
		return true
	}
	d.ok("keys", "the keyset and the fingerprint key are read")
	return true
}

func (d *Doctor) database(ctx context.Context) bool {
	store, err := app.OpenStore(ctx, d.Config, app.Existing, d.Log)
	if errors.As(err, new(*exit.Error)) {
		d.fail("database", err, "") // it says itself what to do
		return false
	}
	if err != nil {
		d.fail("database", err, databaseFix(err))
		return false
	}
	defer store.Close()
	// A row is written: a full disk, a read-only file or a missing grant shows no other way.
	if err := store.PutSetting(ctx, doctorSetting, d.Now().UTC().Format("2006-01-02T15:04:05Z")); err != nil {
		d.fail("database", fmt.Errorf("it can be read and not written: %w", err), "free space on the disk, or give the role its grants again: mailaudit migrate")
		return false
	}
	d.ok("database", "reached, up to date and writable%s", d.lock(ctx, store))
	return true
}

func databaseFix(err error) string {
	if fix := postgres.Fix(err); fix != "" {
		return fix
	}
	if _, code := postgres.Blame(err); code != "" {
		return "look into the server's log"
	}
	return "check database in the configuration, and that the file is whole and readable; restore it from its copy if it is not"
}

// doctorSetting is the row that doctor writes.
const doctorSetting = "doctor-was-here"

// lock says whether a working command has the database now, which is no difference.
func (d *Doctor) lock(ctx context.Context, store app.Storage) string {
	if !d.Alone() {
		return ""
	}
	unlock, err := app.LockStore(ctx, store, false)
	switch {
	case errors.Is(err, app.ErrLocked):
		return "; another mailaudit works on it now"
	case err != nil:
		return "; its lock file cannot be taken: " + exit.OneLine(err)
	}
	if err := unlock(); err != nil {
		return "; its lock file cannot be given back: " + exit.OneLine(err)
	}
	return ", not locked"
}

func (d *Doctor) open(ctx context.Context) {
	a, err := d.Setup.Open(ctx, app.Wants{Keys: true})
	if err != nil {
		d.fail("database", err, databaseFix(err)) // it was there a moment ago
		return
	}
	if err := app.SourceReady(ctx, a.Source); err != nil {
		d.fail("accounts", err, "check accounts.database and accounts.relation; deploy/postgres/accounts.sql gives the role its grants")
	} else if err := app.NewLazyDialer(d.Config).Ready(); err != nil {
		d.fail("network", err, "check network in the configuration")
	} else {
		d.app = a
		return
	}
	a.Close() //nolint:errcheck // its failures are told
}
