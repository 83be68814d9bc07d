package audit

import (
	"context"
	"strings"
)

// toTelephone ends the detail of a notice whose customer no mail reaches.
const toTelephone = ": telephone"

// ToTelephone tells whether the notice's customer must be told by telephone.
func (n Notice) ToTelephone() bool {
	return n.State == NoticeSuppressed && strings.HasSuffix(n.Detail, toTelephone)
}

// keeping is what holds whenever a notice is written or about to be sent, whatever it says.
type keeping struct {
	only    Only
	bounced map[string]string // by contact
	snoozed map[string]bool   // by tenant
}

func (a *Auditor) keeping(ctx context.Context, notices ...Notice) (keeping, error) {
	snoozed, err := a.snoozed(ctx, a.Now())
	if err != nil {
		return keeping{}, err
	}
	contacts := ids(notices, func(n Notice) string { return FoldAddress(n.ContactEmail) })
	bounced, err := a.Ledger.Bounces(ctx, contacts)
	return keeping{a.Policy.Only, bounced, snoozed}, err
}

// why tells what keeps a notice from its contact; "" if nothing does. Who was told something wrong is told
// so, in a pilot, snoozed or not.
func (k keeping) why(n Notice) string {
	_, bounced := k.bounced[FoldAddress(n.ContactEmail)]
	switch {
	case n.ContactEmail == "":
		return "the tenant has no contact" + toTelephone
	case bounced:
		return "mail to the contact bounces" + toTelephone
	case n.Kind == KindCorrection:
		return ""
	case !k.only.Covers(n):
		return "outside notices.only"
	case k.snoozed[n.TenantID]:
		return "the tenant is snoozed"
	}
	return ""
}

// KeptBack tells why a notice that is about to be sent is not to be sent any more; "" if nothing speaks
// against it.
func (a *Auditor) KeptBack(ctx context.Context, n Notice) (string, error) {
	k, err := a.keeping(ctx, n)
	if why := k.why(n); why != "" || err != nil {
		return why, err
	}
	accounts, _, err := ReadAccounts(ctx, a.Accounts, n.blocked())
	return unreadable(n, accounts), err
}
