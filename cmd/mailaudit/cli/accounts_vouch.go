package cli

import (
	"context"
	"fmt"
	"strings"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/report"
)

type accountsVouchCmd struct {
	ID   string `arg:"" optional:"" name:"account_id" help:"The account whose secret may be sent to its new destination."`
	Host string `placeholder:"HOST" help:"Instead: a mail server to which every account's accepted secret may be sent."`
	decider
}

func (k accountsVouchCmd) check() error {
	if (k.ID == "") == (k.Host == "") {
		return exit.Usagef("name an account, or --host with a mail server, and not both")
	}
	if k.Host != "" && !strings.Contains(strings.Trim(providers.CanonicalHost(k.Host), "."), ".") || strings.ContainsAny(k.Host, "/@ \t") {
		return exit.Usagef("--host %q is not a mail server's name such as mail.clinic.example", report.Plain(k.Host))
	}
	return k.decider.check()
}

func (k accountsVouchCmd) wants() app.Wants { return app.Wants{Keys: k.ID != ""} }

func (k accountsVouchCmd) Run(ctx context.Context, a *app.App) error {
	if k.Host != "" {
		host := providers.CanonicalHost(k.Host)
		if err := a.Auditor.Operate.VouchHost(ctx, host, k.By, k.Why); err != nil {
			return err
		}
		_, err := fmt.Fprintf(a.Env.Stdout, "accepted secrets may go to %s\n", report.Plain(host))
		return err
	}
	destination, err := a.Auditor.Operate.Vouch(ctx, k.ID, k.By, k.Why)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "the secret of account %s may go to %s\n", report.Plain(k.ID), report.Plain(destination))
	return err
}
