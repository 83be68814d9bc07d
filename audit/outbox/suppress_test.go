package outbox

import (
	"strings"
	"testing"

	"mailaudit/audit"
)

// TestABlockedMailboxIsNotWrittenTo walks who is told where the contact is the failing mailbox.
func TestABlockedMailboxIsNotWrittenTo(t *testing.T) {
	accounts := map[string]audit.Account{"1": {Address: "front.desk+x@googlemail.com"}, "2": {Address: "billing@sunrise.example"}}
	notice := func(contact string, kind audit.NoticeKind, verdicts ...audit.Verdict) audit.Notice {
		n := audit.Notice{Kind: kind, ContactEmail: contact}
		for i, v := range verdicts {
			n.Items = append(n.Items, audit.NoticeItem{AccountID: string(rune('1' + i)), Verdict: v})
		}
		return n
	}
	for _, c := range []struct {
		what      string
		notice    audit.Notice
		telephone bool
	}{
		{"blocked itself", notice("frontdesk@gmail.com", audit.KindFinding, audit.AccountBlocked), true},
		{"reminder", notice("frontdesk@gmail.com", audit.KindReminder, audit.AccountBlocked), true},
		{"one of two", notice("billing@sunrise.example", audit.KindFinding, audit.Revoked, audit.AccountBlocked), true},
		{"another mailbox is blocked", notice("frontdesk@gmail.com", audit.KindFinding, audit.Revoked, audit.AccountBlocked), false},
		{"another contact", notice("maria@sunrise.example", audit.KindFinding, audit.AccountBlocked), false},
		{"told in error", notice("frontdesk@gmail.com", audit.KindCorrection, audit.AccountBlocked), false},
		{"works again", notice("frontdesk@gmail.com", audit.KindRecovered, audit.AccountBlocked), false},
		{"revoked", notice("frontdesk@gmail.com", audit.KindFinding, audit.Revoked), false},
		{"invalid", notice("frontdesk@gmail.com", audit.KindFinding, audit.Invalid), false},
		{"app password", notice("frontdesk@gmail.com", audit.KindFinding, audit.AppPasswordRequired), false},
		{"sign-in blocked", notice("frontdesk@gmail.com", audit.KindFinding, audit.SignInBlocked), false},
		{"disabled", notice("frontdesk@gmail.com", audit.KindFinding, audit.AuthDisabled), false},
		{"retired", notice("frontdesk@gmail.com", audit.KindFinding, audit.MethodRetired), false},
		{"misconfigured", notice("frontdesk@gmail.com", audit.KindFinding, audit.Misconfigured), false},
		{"single factor", notice("frontdesk@gmail.com", audit.KindFinding, audit.SingleFactor), false},
		{"the account is gone", notice("x@sunrise.example", audit.KindFinding, audit.Revoked, audit.Revoked, audit.AccountBlocked), false},
	} {
		why := audit.Unreadable(c.notice, accounts)
		if got := strings.HasSuffix(why, audit.CallSuffix); got != c.telephone || (why != "") != c.telephone {
			t.Errorf("%s: %q, want a call: %v", c.what, why, c.telephone)
		}
	}
}

func TestWhatKeepsANoticeBack(t *testing.T) {
	k := suppressor{
		only: audit.Only{Providers: []string{"google"}}, bounced: map[string]string{"back@clinic.example": "550"}, snoozed: map[string]bool{"asleep": true},
	}
	for _, tt := range []struct {
		n         audit.Notice
		why       string
		telephone bool
	}{
		{audit.Notice{ContactEmail: "a@clinic.example", Provider: "google"}, "", false},
		{audit.Notice{Provider: "google"}, "the tenant has no contact: telephone", true},
		{audit.Notice{ContactEmail: "Back@Clinic.example", Provider: "google"}, "mail to the contact bounces: telephone", true},
		{audit.Notice{ContactEmail: "victim%bank.example@relay.example", Provider: "google"}, "the contact's address holds a route: telephone", true},
		{audit.Notice{ContactEmail: "root@localhost", Provider: "google", Kind: audit.KindCorrection}, "the contact's domain is a local name: telephone", true},
		{audit.Notice{ContactEmail: "a@clinic.example", Provider: "yahoo"}, "outside notices.only", false},
		{audit.Notice{ContactEmail: "a@clinic.example", Provider: "google", TenantID: "asleep"}, "the tenant is snoozed", false},
		{audit.Notice{ContactEmail: "a@clinic.example", Provider: "yahoo", TenantID: "asleep", Kind: audit.KindCorrection}, "", false},
		{audit.Notice{ContactEmail: "back@clinic.example", Provider: "google", Kind: audit.KindCorrection}, "mail to the contact bounces: telephone", true},
	} {
		why := k.reason(tt.n)
		if why != tt.why {
			t.Errorf("%+v: %q, want %q", tt.n, why, tt.why)
		}
		if got := (audit.Notice{State: audit.NoticeSuppressed, Detail: why}).ToTelephone(); got != tt.telephone {
			t.Errorf("%+v: telephone %v", tt.n, got)
		}
	}
}

// Where one of a notice's accounts says that its contact is not verified, the contact is called and not mailed.
func TestAnUnverifiedContactIsNotMailed(t *testing.T) {
	accounts := map[string]audit.Account{
		"1": {ContactEmail: "maria@sunrise.example"}, "2": {ContactEmail: "Maria@sunrise.example", ContactUnverified: true}, "3": {ContactEmail: "x@sunrise.example", ContactUnverified: true},
	}
	for _, c := range []struct {
		items []audit.NoticeItem
		call  bool
	}{
		{[]audit.NoticeItem{{AccountID: "1"}}, false},
		{[]audit.NoticeItem{{AccountID: "1"}, {AccountID: "2"}}, true},
		{[]audit.NoticeItem{{AccountID: "3"}, {AccountID: "gone"}}, false}, // he has another contact by now
	} {
		why := audit.UnverifiedContact(audit.Notice{ContactEmail: "maria@sunrise.example", Items: c.items}, accounts)
		if strings.HasSuffix(why, audit.CallSuffix) != c.call {
			t.Errorf("%v: %q", c.items, why)
		}
	}
}
