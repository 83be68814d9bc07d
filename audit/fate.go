package audit

import (
	"context"
	"fmt"
	"strings"
	"time"
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
	return a.unreadable(ctx, n)
}

// Stop is the kill switch, thrown: who stopped the mails, when and why.
type Stop struct {
	Who string
	At  time.Time
	Why string
}

func (s Stop) String() string {
	text := "by " + s.Who + " since " + s.At.UTC().Format("2006-01-02 15:04 UTC")
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}

// StopMails throws the kill switch; StartMails takes it back. Both keep the action.
func (a *Auditor) StopMails(ctx context.Context, who, why string) error {
	s := Stop{Who: who, At: a.Now(), Why: why}
	if err := a.Ledger.PutSetting(ctx, SettingStopped, s.String()); err != nil {
		return err
	}
	return a.act(ctx, who, "notices stop", "", why)
}

func (a *Auditor) StartMails(ctx context.Context, who, why string) error {
	if err := a.act(ctx, who, "notices start", "", why); err != nil {
		return err
	}
	return a.Ledger.PutSetting(ctx, SettingStopped, "")
}

// act keeps what an operator did. It comes before the deed where the deed tells customers something.
func (a *Auditor) act(ctx context.Context, who, what, target, why string) error {
	return a.Ledger.Act(ctx, Action{At: a.Now(), Who: who, What: what, Target: target, Why: why})
}

// NoteStopped has a run's report tell operations that the kill switch is thrown.
func (a *Auditor) NoteStopped(ctx context.Context, key string) error {
	stopped, err := a.Ledger.Setting(ctx, SettingStopped)
	if err != nil || stopped == "" {
		return err
	}
	return a.NoteTrouble(ctx, key, Trouble{
		What: fmt.Sprintf("no customer mail leaves: stopped %s", stopped),
		Mend: "mailaudit notices start --by WHO lets them leave again",
	})
}
