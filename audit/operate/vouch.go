package operate

import (
	"context"

	"mailaudit/audit"
)

// Vouch lets an account's accepted secret go where it now leads, and returns that destination. It keeps the action.
func (d *Desk) Vouch(ctx context.Context, id, who, why string) (destination string, err error) {
	if destination, err = d.Ask.Vouch(ctx, id); err != nil {
		return "", err
	}
	return destination, d.act(ctx, who, "accounts vouch", id+" to "+destination, why)
}

// VouchHost lets every account's accepted secret go to a host. It keeps the action, and first.
func (d *Desk) VouchHost(ctx context.Context, host, who, why string) error {
	if err := d.act(ctx, who, "accounts vouch", "host "+host, why); err != nil {
		return err
	}
	return d.Ledger.PutSetting(ctx, audit.SettingVouchedHost+host, "by "+who+" since "+audit.FormatMinute(d.Now()))
}
