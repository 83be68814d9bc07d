package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"mailaudit/audit/chain"
	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
	"mailaudit/report/evidence"
)

type evidenceCmd struct {
	Pack   EvidenceCmd       `cmd:"" default:"withargs" help:"Write an auditor's pack (--from, --to, --out), or a tenant's letter (--tenant)."`
	Verify evidenceVerifyCmd `cmd:"" help:"Check a pack offline: digests, chain, signature."`
}

// EvidenceCmd writes an auditor's pack, or one tenant's letter.
type EvidenceCmd struct {
	From   string `placeholder:"DATE" help:"The first day, such as 2026-01-01."`
	To     string `placeholder:"DATE" help:"The last day."`
	Out    string `placeholder:"FILE" help:"Where to write: FILE.zip, or the letter's page; - is standard output."`
	Tenant string `placeholder:"ID" help:"One tenant's letter: a page on what was seen of its mailboxes. Default: of the last year, to standard output."`
	Format string `enum:"html,json" default:"html" help:"Of the letter: html or json."`
}

func (e EvidenceCmd) check() error {
	if e.Tenant == "" && (e.From == "" || e.To == "" || e.Out == "") {
		return exit.Usagef("an auditor's pack needs --from, --to and --out; a tenant's letter needs --tenant")
	}
	_, _, err := e.days(time.UTC, time.Now())
	return err
}

// days are the beginnings of the first and the last day in the zone.
func (e EvidenceCmd) days(zone *time.Location, now time.Time) (from, to time.Time, err error) {
	last := cmp.Or(e.To, now.In(zone).Format(time.DateOnly))
	if to, err = time.ParseInLocation(time.DateOnly, last, zone); err != nil {
		return from, to, exit.Usagef("--to %q is not a day such as 2026-01-31", e.To)
	}
	first := cmp.Or(e.From, to.AddDate(-1, 0, 0).Format(time.DateOnly))
	if from, err = time.ParseInLocation(time.DateOnly, first, zone); err != nil {
		return from, to, exit.Usagef("--from %q is not a day such as 2026-01-31", e.From)
	}
	if to.Before(from) {
		return from, to, exit.Usagef("--to %s lies before --from %s", e.To, e.From)
	}
	return from, to, nil
}

func (e EvidenceCmd) Run(ctx context.Context, a *app.App) error {
	from, to, err := e.days(a.Config.TimeZone, a.Now())
	if err != nil {
		return err
	}
	notary, err := a.Notary()
	if err != nil {
		return err
	}
	source := app.LiveSource{Storage: a.Store, WorkedOn: a.WorkedOn}
	request := evidence.Request{From: from, To: to.AddDate(0, 0, 1), Sign: notary.Sign, Program: versionLine(), Options: a.ReportOptions()}
	if e.Tenant != "" {
		return writeOut(a.Env.Stdout, e.Out, func(w io.Writer) error {
			return evidence.WriteLetter(ctx, w, source, e.Tenant, a.Config.Notices.Product, e.Format, request)
		})
	}
	// A database of a version without a chain gets its first link here, if no run has made one.
	if err := notary.StartWhereRunsAre(ctx); err != nil {
		return err
	}
	nights := 0
	err = writeOut(a.Env.Stdout, e.Out, func(w io.Writer) (err error) {
		nights, err = evidence.Write(ctx, w, source, request)
		return err
	})
	if err == nil && nights == 0 {
		fmt.Fprintf(a.Env.Stderr, "mailaudit: no run started from %s to %s; the pack holds no night\n", e.From, e.To)
	}
	if err == nil && e.Out != "-" {
		_, err = fmt.Fprintf(a.Env.Stdout, "%s: %s\n", e.Out, report.Number(nights, "run", "runs"))
	}
	return err
}

type evidenceVerifyCmd struct {
	File   string `arg:"" help:"The pack."`
	Key    string `placeholder:"FILE" help:"The public key: FILE.pub of keys new --signing (PEM), or a Tink keyset. Without it the pack is not authenticated."`
	Head   string `placeholder:"HASH" help:"A head of the chain that was noted elsewhere: it must be in the pack's chain."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

var headForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (e evidenceVerifyCmd) check() error {
	if head := strings.ToLower(e.Head); e.Head != "" && !headForm.MatchString(head) {
		return exit.Usagef("--head %q is not a head: 64 hexadecimal digits, as Slack's thread, the log and the pack name it", e.Head)
	}
	return nil
}

func (e evidenceVerifyCmd) Run(env *app.Env) error {
	var keys chain.Verifier
	if e.Key != "" {
		public, err := seal.LoadPublicKeys(e.Key)
		if err != nil {
			return exit.Usagef("--key: %w", err)
		}
		keys = public
	}
	data, err := os.ReadFile(e.File)
	if err != nil {
		return exit.Usagef("read the pack: %w", err)
	}
	found := evidence.Verify(data, keys, strings.ToLower(e.Head))
	if e.Format == "json" {
		err = writeIndented(env.Stdout, struct {
			Result string `json:"result"`
			evidence.Checked
		}{found.Verdict(), found})
	} else {
		err = e.print(env.Stdout, found)
	}
	if err == nil && !found.OK() {
		err = fmt.Errorf("%s does not hold: %s", e.File, report.Number(len(found.Faults), "fault", "faults"))
	}
	return err
}

func (e evidenceVerifyCmd) print(w io.Writer, found evidence.Checked) error {
	fmt.Fprintf(w, "%s: %s\n", e.File, found.Verdict()) // the last write's error is returned
	for _, fault := range found.Faults {
		fmt.Fprintf(w, "  %s\n", fault)
	}
	for _, note := range found.Notes {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
	_, err := fmt.Fprintf(w, "  %s, %s, head %s\n", report.Number(found.Runs, "run", "runs"), report.Number(int(found.Links), "link", "links"), found.Head)
	return err
}
