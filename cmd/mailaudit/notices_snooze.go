package main

import (
	"context"
	"fmt"
	"net/mail"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

type noticesSnoozeCmd struct {
	Tenant string `required:"" placeholder:"ID" help:"Whose mails are kept back; its findings are counted all the same."`
	Until  string `required:"" placeholder:"DATE" help:"The day on which its mails begin again, as 2026-12-01."`
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
		return time.Time{}, usageError("--until %q is not a date such as 2026-12-01", k.Until)
	}
	return until, nil
}

func (k noticesSnoozeCmd) Run(ctx context.Context, a *app) error {
	until, err := k.until(a.config.TimeZone)
	if err != nil {
		return err
	}
	if !until.After(a.now()) {
		return usageError("--until %s is over", k.Until)
	}
	if known, err := a.source.AccountsAfter(ctx, "", 1, k.Tenant); err != nil {
		return err
	} else if len(known) == 0 {
		return fmt.Errorf("tenant %q has no account", k.Tenant)
	}
	if err := a.auditor.Snooze(ctx, audit.Snooze{TenantID: k.Tenant, Until: until, By: k.who(a.around)}, k.Why); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.around.stdout, "tenant %s is mailed nothing before %s\n", report.Plain(k.Tenant), k.Until)
	return err
}

type noticesUnsnoozeCmd struct {
	Tenant string `required:"" placeholder:"ID" help:"Whose mails may leave again."`
	doer
}

func (k noticesUnsnoozeCmd) Run(ctx context.Context, a *app) error {
	was, err := a.auditor.Unsnooze(ctx, k.Tenant, k.who(a.around), k.Why)
	if err != nil {
		return err
	}
	if !was {
		return fmt.Errorf("tenant %q is not snoozed", k.Tenant)
	}
	_, err = fmt.Fprintf(a.around.stdout, "tenant %s is mailed again\n", report.Plain(k.Tenant))
	return err
}

type noticesBouncedCmd struct {
	Address string `arg:"" help:"The contact's address to which a mail could not be delivered."`
	Detail  string `placeholder:"TEXT" help:"What the bounce said."`
	By      string `placeholder:"WHO" help:"Who does this; it is kept. Default: the login name."`
}

func (k noticesBouncedCmd) check() error {
	if a, err := mail.ParseAddress(k.Address); err != nil || a.Address != k.Address {
		return usageError("%q is not a mail address", report.Plain(k.Address))
	}
	return nil
}

func (k noticesBouncedCmd) Run(ctx context.Context, a *app) error {
	if err := a.auditor.Bounced(ctx, k.Address, k.Detail, doer{By: k.By}.who(a.around)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.around.stdout, "%s is on the call list: notices to it are not mailed, their customers are to be telephoned\n", report.Mask(k.Address))
	return err
}
