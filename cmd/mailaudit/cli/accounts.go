package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"

	"mailaudit/audit"
	"mailaudit/audit/csvimport"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

type accountsCmd struct {
	Import accountsImportCmd `cmd:"" help:"Add or update accounts from CSV, sealing each secret."`
	List   accountsListCmd   `cmd:"" help:"List accounts; never a secret."`
	Remove accountsRemoveCmd `cmd:"" help:"Remove an account."`
	Vouch  accountsVouchCmd  `cmd:"" help:"Allow an accepted secret to be sent to its new mail server, or all that move to a host."`
	Purge  accountsPurgeCmd  `cmd:"" help:"Erase a tenant from everything that is kept; tombstones stay, so that old numbers add up."`
}

type accountsImportCmd struct {
	File    string `arg:"" help:"CSV with a header line; - is standard input."`
	DryRun  bool   `help:"Check the file; store nothing."`
	Replace bool   `help:"Also remove the accounts that the file does not have."`
	Migrate bool   `help:"Bring a PostgreSQL database's tables up to date first."`
}

func (k accountsImportCmd) opening() app.Opening {
	if k.Migrate {
		return app.Creating
	}
	return app.Importing
}

// Run opens the app by itself: a file that is only looked at needs none.
func (k accountsImportCmd) Run(ctx context.Context, s *app.Setup) error {
	in := io.Reader(os.Stdin)
	if k.File != "-" {
		f, err := os.Open(k.File)
		if err != nil {
			return exit.Usagef("read accounts: %w", err)
		}
		defer f.Close()
		in = f
	}
	if k.DryRun {
		return k.dryRun(in, s.Env)
	}
	if err := s.OwnTable("accounts import"); err != nil {
		return err
	}
	if s.Config.ProductSeals() {
		return exit.Usagef("accounts import seals what it stores, and keyset is %s: the product seals the secrets itself; let the product write the table, or set keyset to file:PATH or env:NAME", s.Config.Keyset.Kind)
	}
	return s.With(ctx, app.Wants{Tables: k.opening(), Keys: true}, func(a *app.App) error { return k.from(ctx, a, in) })
}

// from imports what it reads.
func (k accountsImportCmd) from(ctx context.Context, a *app.App, in io.Reader) error {
	n, err := a.Store.Import(ctx, k.Replace, func(put func(audit.Account, []byte) error) error {
		return csvimport.Read(in, k.File, func(_ int, acc audit.NewAccount) error {
			sealed, err := a.Keys.Seal(acc.ID, acc.Secret)
			if err != nil {
				return fmt.Errorf("seal the secret of account %s: %w", acc.ID, err)
			}
			return put(acc.Account, sealed)
		})
	})
	if err != nil {
		return fmt.Errorf("nothing was stored: %w", err)
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "%s added, %s updated, %s removed\n", report.Number(n.Added, "account", "accounts"), report.Count(n.Updated), report.Count(n.Removed))
	return err
}

func (k accountsImportCmd) dryRun(in io.Reader, env *app.Env) error {
	n := 0
	if err := csvimport.Read(in, k.File, func(int, audit.NewAccount) error { n++; return nil }); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "%s in order; nothing was stored\n", report.Number(n, "account is", "accounts are"))
	return err
}

type accountsRemoveCmd struct {
	ID string `arg:"" name:"account_id" help:"The account."`
}

func (k accountsRemoveCmd) Run(ctx context.Context, a *app.App) error {
	if err := a.OwnTable("accounts remove"); err != nil {
		return err
	}
	if err := a.Store.Remove(ctx, k.ID); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.Env.Stdout, "account %s is removed\n", report.Plain(k.ID))
	return err
}

type accountsListCmd struct {
	Tenant   string `help:"Only this tenant's."`
	Provider string `help:"Only this provider's."`
	Verdict  string `help:"Only those with this verdict."`
	Format   string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

// accountLine is an account as it is listed. The verdict is the last that was not unverified.
type accountLine struct {
	AccountID    string `json:"account_id"`
	TenantID     string `json:"tenant_id"`
	TenantName   string `json:"tenant_name"`
	Address      string `json:"address"`
	Provider     string `json:"provider"`
	Auth         string `json:"auth"`
	Host         string `json:"host"`
	Port         int    `json:"port"`
	ContactEmail string `json:"contact_email"`
	Verdict      string `json:"verdict"`
	TwoFactor    string `json:"two_factor"`
	Since        string `json:"since"`
}

func (k accountsListCmd) check() error {
	if k.Verdict != "" && !slices.Contains(audit.Verdicts[:], audit.Verdict(k.Verdict)) {
		return exit.Usagef("--verdict %q is not one of %s", k.Verdict, app.Joined(audit.Verdicts[:]))
	}
	if k.Provider != "" {
		if _, err := app.MustProvider(k.Provider); err != nil {
			return err
		}
	}
	return nil
}

func (k accountsListCmd) Run(ctx context.Context, a *app.App) error {
	out := newAccountWriter(a.Env.Stdout, k.Format)
	for after := ""; ; {
		page, err := a.Source.AccountsAfter(ctx, after, app.AccountsPage, k.Tenant)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return out.flush()
		}
		after = page[len(page)-1].ID
		ids := make([]string, len(page))
		for i, acc := range page {
			ids[i] = acc.ID
		}
		states, err := a.Store.LoadStates(ctx, ids)
		if err != nil {
			return err
		}
		for _, acc := range page {
			line := listed(acc, states[acc.ID])
			if line.Provider == "" {
				if target, err := a.Auditor.Ask.Resolve(ctx, acc); err == nil {
					line.Provider = target.Provider.Name
				}
			}
			if k.Provider != "" && line.Provider != k.Provider || k.Verdict != "" && !k.has(states[acc.ID]) {
				continue
			}
			if err := out.write(line); err != nil {
				return err
			}
		}
	}
}

// has reports whether the account's verdict is the one asked for; unverified is last night's word, not a
// settled one.
func (k accountsListCmd) has(s audit.State) bool {
	if audit.Verdict(k.Verdict) == audit.Unverified {
		return s.Tonight != nil && s.Tonight.Verdict == audit.Unverified
	}
	return s.Settled.Verdict == audit.Verdict(k.Verdict)
}

func listed(a audit.Account, s audit.State) accountLine {
	return accountLine{
		AccountID: a.ID, TenantID: a.TenantID, TenantName: a.TenantName, Address: a.Address, Provider: s.Provider, Auth: string(a.Auth),
		Host: a.Host, Port: a.Port, ContactEmail: a.ContactEmail, Verdict: string(s.Settled.Verdict), TwoFactor: string(s.Settled.TwoFactor),
		Since: app.RFC3339(s.Settled.Since),
	}
}

// accountWriter writes lines as they come, so that a million accounts need no memory.
type accountWriter struct {
	write func(accountLine) error
	flush func() error
}

func newAccountWriter(w io.Writer, format string) accountWriter {
	switch format {
	case "json":
		list := jsonList{w: w}
		return accountWriter{func(l accountLine) error { return list.add(l) }, list.close}
	case "csv":
		out := csv.NewWriter(w)
		err := out.Write([]string{"account_id", "tenant_id", "tenant_name", "address", "provider", "auth", "host", "port", "contact_email", "verdict", "two_factor", "since"})
		return accountWriter{
			func(l accountLine) error {
				row := []string{l.AccountID, l.TenantID, l.TenantName, l.Address, l.Provider, l.Auth, l.Host, strconv.Itoa(l.Port),
					l.ContactEmail, l.Verdict, l.TwoFactor, l.Since}
				for i := range row {
					row[i] = report.Cell(row[i])
				}
				return errors.Join(err, out.Write(row))
			},
			func() error { out.Flush(); return errors.Join(err, out.Error()) },
		}
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(out, "ACCOUNT\tTENANT\tADDRESS\tPROVIDER\tAUTH\tVERDICT\tSINCE")
	return accountWriter{
		func(l accountLine) error {
			_, werr := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", report.Plain(l.AccountID), report.Plain(l.TenantID), report.Plain(l.Address),
				l.Provider, l.Auth, l.Verdict, l.Since)
			return errors.Join(err, werr)
		},
		func() error { return errors.Join(err, out.Flush()) },
	}
}
