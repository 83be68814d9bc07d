package cli

import (
	"context"
	"fmt"
	"net/mail"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

type noticesSnoozeCmd struct {
	Tenant string `required:"" placeholder:"ID" help:"The tenant to mute; its findings are still counted."`
	Until  string `required:"" placeholder:"DATE" help:"The date on which e-mails resume, such as 2026-12-01."`
	doer
}

func (k noticesSnoozeCmd) check() error {
	_, err := k.until(time.UTC)
	return err
}

// until is the beginning of the day in the zone.
func (k noticesSnoozeCmd) until(zone *time.Location) (time.Time, error) {
	until, err := time.ParseInLocation(time.DateOnly, k.Until, zone)
	if err != nil {
		return time.Time{}, exit.Usagef("--until %q is not a date such as 2026-12-01", k.Until)
	}
	return until, nil
}

func (k noticesSnoozeCmd) Run(ctx context.Context, a *app.App) error {
	until, err := k.until(a.Config.TimeZone)
	if err != nil {
		return err
	}
	if !until.After(a.Now()) {
		return exit.Usagef("--until %s is over", k.Until)
	}
	if known, err := a.Source.AccountsAfter(ctx, "", 1, k.Tenant); err != nil {
		return err
	} else if len(known) == 0 {
		return fmt.Errorf("tenant %q has no account", k.Tenant)
	}
	if err := a.Auditor.Operate.Snooze(ctx, audit.Snooze{TenantID: k.Tenant, Until: until, By: k.who(a.Env)}, k.Why); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "tenant %s is mailed nothing before %s\n", report.Plain(k.Tenant), k.Until)
	return err
}

type noticesUnsnoozeCmd struct {
	Tenant string `required:"" placeholder:"ID" help:"The tenant to unmute."`
	doer
}

func (k noticesUnsnoozeCmd) Run(ctx context.Context, a *app.App) error {
	was, err := a.Auditor.Operate.Unsnooze(ctx, k.Tenant, k.who(a.Env), k.Why)
	if err != nil {
		return err
	}
	if !was {
		return fmt.Errorf("tenant %q is not snoozed", k.Tenant)
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "tenant %s is mailed again\n", report.Plain(k.Tenant))
	return err
}

type noticesBouncedCmd struct {
	Address string `arg:"" help:"The contact's address that bounced."`
	Detail  string `placeholder:"TEXT" help:"What the bounce said."`
	By      string `placeholder:"WHO" help:"Who does this; recorded in the audit log. Default: the login name."`
}

func (k noticesBouncedCmd) check() error {
	if a, err := mail.ParseAddress(k.Address); err != nil || a.Address != k.Address {
		return exit.Usagef("%q is not a mail address", report.Plain(k.Address))
	}
	return nil
}

func (k noticesBouncedCmd) Run(ctx context.Context, a *app.App) error {
	if err := a.Auditor.Operate.Bounced(ctx, k.Address, k.Detail, doer{By: k.By}.who(a.Env)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.Env.Stdout, "%s is on the call list: notices to it are not mailed, their customers are to be telephoned\n", report.Mask(k.Address))
	return err
}
