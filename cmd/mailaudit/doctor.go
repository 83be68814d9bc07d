package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

	"mailaudit/audit/postgres"
	"mailaudit/report"
)

type doctorCmd struct{}

// Run checks everything that a night needs. It stores one row of its own, opens secrets without sending one,
// and mails and posts nothing.
func (doctorCmd) Run(ctx context.Context, g *Globals, s *setup) error {
	d := &doctor{setup: s, configPath: g.Config, out: s.around.stdout}
	d.examine(ctx)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if d.failures > 0 {
		return fmt.Errorf("doctor found %s; each line that begins with FAIL ends with the mend", howMany(d.failures, "difference"))
	}
	return nil
}

func howMany(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return report.Count(n) + " " + what
}

// doctor goes on after a failure, so that one call finds everything; what cannot be asked for want of
// something else is left out.
type doctor struct {
	*setup
	configPath string
	out        io.Writer
	app        *app // nil where keys, database, accounts or network are not as they should be
	failures   int
}

func (d *doctor) line(mark, subject, text string) {
	fmt.Fprintf(d.out, "%-4s  %-13s  %s\n", mark, subject, report.Plain(text))
}

func (d *doctor) ok(subject, format string, args ...any) {
	d.line("ok", subject, fmt.Sprintf(format, args...))
}

// note is for what is no difference and yet worth knowing.
func (d *doctor) note(subject, format string, args ...any) {
	d.line("note", subject, fmt.Sprintf(format, args...))
}

func (d *doctor) fail(subject string, err error, mend string) {
	d.failures++
	text := oneLine(err)
	if mend != "" {
		text += "; mend: " + mend
	}
	d.line("FAIL", subject, text)
}

func (d *doctor) examine(ctx context.Context) {
	v, _ := buildVersion()
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
		d.late(ctx)
		d.runs(ctx)
	}
	d.guides()
	d.relay(ctx)
	d.slack(ctx)
	d.clock(ctx)
	if d.app != nil {
		d.accounts(ctx)
	}
	d.folder("report.dir", d.config.Report.Dir)
	d.textfile()
	d.schedule()
	d.watchers(ctx)
}

func (d *doctor) configName() string {
	if d.configPath != "" {
		return d.configPath
	}
	if name, ok := d.around.lookupEnv("MAILAUDIT_CONFIG"); ok && name != "" {
		return name
	}
	return "no file, defaults alone"
}

func (d *doctor) keys() bool {
	// What would be logged is told as notes.
	keys, err := openKeys(d.config, d.around.lookupEnv, slog.New(slog.DiscardHandler))
	if err != nil && d.config.ProductSeals() {
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
	for _, warning := range keys.warnings {
		d.note("keys", "%s", warning)
	}
	if d.config.ProductSeals() {
		d.ok("keys", "the fingerprint key is read; the product seals the secrets itself (keyset is %s)", d.config.Keyset.Kind)
		return true
	}
	d.ok("keys", "the keyset and the fingerprint key are read")
	return true
}

func (d *doctor) database(ctx context.Context) bool {
	store, err := openStore(ctx, d.config, existing, d.log)
	if errors.As(err, new(*exitError)) {
		d.fail("database", err, "") // it says itself what to do
		return false
	}
	if err != nil {
		d.fail("database", err, databaseMend(err))
		return false
	}
	defer store.Close()
	// A row is written: a full disk, a read-only file or a missing grant shows no other way.
	if err := store.PutSetting(ctx, doctorSetting, d.now().UTC().Format("2006-01-02T15:04:05Z")); err != nil {
		d.fail("database", fmt.Errorf("it can be read and not written: %w", err), "free space on the disk, or give the role its grants again: mailaudit migrate")
		return false
	}
	d.ok("database", "reached, up to date and writable%s", d.lock(ctx, store))
	return true
}

func databaseMend(err error) string {
	if mend := postgres.Mend(err); mend != "" {
		return mend
	}
	return "check database in the configuration, and that the file is whole and readable; restore it from its copy if it is not"
}

// doctorSetting is the row that doctor writes.
const doctorSetting = "doctor-was-here"

// lock says whether a working command has the database now, which is no difference.
func (d *doctor) lock(ctx context.Context, store storage) string {
	if !d.alone() {
		return ""
	}
	unlock, err := lockStore(ctx, store, false)
	switch {
	case errors.Is(err, errLocked):
		return "; another mailaudit works on it now"
	case err != nil:
		return "; its lock file cannot be taken: " + oneLine(err)
	}
	if err := unlock(); err != nil {
		return "; its lock file cannot be given back: " + oneLine(err)
	}
	return ", nobody works on it"
}

func (d *doctor) open(ctx context.Context) {
	a, err := d.setup.open(ctx, wants{keys: true})
	if err != nil {
		d.fail("database", err, databaseMend(err)) // it was there a moment ago
		return
	}
	if err := sourceReady(ctx, a.source); err != nil {
		d.fail("accounts", err, "check accounts.database and accounts.relation; deploy/postgres/accounts.sql gives the role its grants")
	} else if err := newLazyDialer(d.config).ready(); err != nil {
		d.fail("network", err, "check network in the configuration")
	} else {
		d.app = a
		return
	}
	a.Close() //nolint:errcheck // its failures are told
}
