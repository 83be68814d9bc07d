package outbox

import (
	"cmp"
	"context"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
)

// suppressStore is what this file needs of the store. The contracts are in package audit.
type suppressStore interface {
	Snoozes(ctx context.Context) ([]audit.Snooze, error)
	Bounces(ctx context.Context, addresses []string) (map[string]string, error)
}

// suppressor has the reasons that keep any notice from its contact, when it is written and when it is about to be sent.
type suppressor struct {
	only    audit.Only
	bounced map[string]string // by contact
	snoozed map[string]bool   // by tenant
}

func (o *Outbox) suppressor(ctx context.Context, notices ...audit.Notice) (suppressor, error) {
	snoozed, err := o.snoozed(ctx, o.Now())
	if err != nil {
		return suppressor{}, err
	}
	contacts := audit.IDs(notices, func(n audit.Notice) string { return audit.FoldAddress(n.ContactEmail) })
	bounced, err := o.Ledger.Bounces(ctx, contacts)
	return suppressor{o.Policy.Only, bounced, snoozed}, err
}

// reason tells what keeps a notice from its contact; "" if nothing does. A correction goes out even outside the pilot and
// to a snoozed tenant.
func (k suppressor) reason(n audit.Notice) string {
	_, bounced := k.bounced[audit.FoldAddress(n.ContactEmail)]
	switch {
	case n.ContactEmail == "":
		return "the tenant has no contact" + audit.CallSuffix
	case audit.Misrouted(n.ContactEmail) != "":
		return audit.Misrouted(n.ContactEmail) + audit.CallSuffix
	case bounced:
		return "mail to the contact bounces" + audit.CallSuffix
	case n.Kind == audit.KindCorrection:
		return ""
	case !k.only.Covers(n):
		return "outside notices.only"
	case k.snoozed[n.TenantID]:
		return "the tenant is snoozed"
	}
	return ""
}

// SuppressReason tells why a notice that is about to be sent is not to be sent any more; "" if nothing speaks
// against it.
func (o *Outbox) SuppressReason(ctx context.Context, n audit.Notice) (string, error) {
	k, err := o.suppressor(ctx, n)
	if why := k.reason(n); why != "" || err != nil {
		return why, err
	}
	accounts, _, err := aside.ReadAccounts(ctx, o.Accounts, n.Accounts())
	return cmp.Or(audit.UnverifiedContact(n, accounts), audit.Unreadable(n, accounts)), err
}

func (o *Outbox) snoozed(ctx context.Context, now time.Time) (map[string]bool, error) {
	all, err := o.Ledger.Snoozes(ctx)
	if err != nil {
		return nil, err
	}
	tenants := map[string]bool{}
	for _, z := range all {
		tenants[z.TenantID] = now.Before(z.Until)
	}
	return tenants, nil
}

// ZoneOf is the first time zone that an account of the notice names.
func (o *Outbox) ZoneOf(n audit.Notice, accounts map[string]audit.Account) *time.Location {
	for _, item := range n.Items {
		name := accounts[item.AccountID].TimeZone
		if name == "" {
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return o.Policy.Zone
}
