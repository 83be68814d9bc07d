package audit

import (
	"strings"
	"testing"
)

var mailboxPairs = []struct {
	mailbox, contact string
	same             bool
}{
	{"frontdesk@gmail.com", "frontdesk@gmail.com", true},
	{"frontdesk@gmail.com", "FrontDesk@Gmail.com", true},
	{"frontdesk@gmail.com", " frontdesk@gmail.com ", true},
	{"frontdesk@gmail.com", "front.desk@gmail.com", true},
	{"f.r.o.n.t.desk@gmail.com", "frontdesk@gmail.com", true},
	{"frontdesk@gmail.com", "frontdesk+clinic@gmail.com", true},
	{"frontdesk+a@gmail.com", "front.desk+b@googlemail.com", true},
	{"frontdesk@googlemail.com", "frontdesk@gmail.com", true},
	{"sunrise@icloud.com", "sunrise@me.com", true},
	{"sunrise@mac.com", "sunrise@me.com", true},
	{"sunrise@pm.me", "sunrise+billing@protonmail.com", true},
	{"office@sunrise.example", "Office@SUNRISE.example.", true},
	{"anna.lee@sunrise.example", "annalee@sunrise.example", true},
	{"+1@sunrise.example", "+2@sunrise.example", false}, // the tag is the whole name
	{"frontdesk@gmail.com", "frontdesk2@gmail.com", false},
	{"frontdesk@gmail.com", "frontdesk@yahoo.com", false},
	{"sunrise@outlook.com", "sunrise@hotmail.com", false}, // two mailboxes
	{"office@sunrise.example", "billing@sunrise.example", false},
	{"office@sunrise.example", "office@mail.sunrise.example", false},
	{"", "", false},
	{"office", "office", false},
	{"@sunrise.example", "@sunrise.example", false},
	{"office@", "office@", false},
}

func TestSameMailbox(t *testing.T) {
	for _, c := range mailboxPairs {
		if got := SameMailbox(c.mailbox, c.contact); got != c.same {
			t.Errorf("%q and %q: %v, want %v", c.mailbox, c.contact, got, c.same)
		}
		if SameMailbox(c.contact, c.mailbox) != SameMailbox(c.mailbox, c.contact) {
			t.Errorf("%q and %q: depends on the order", c.mailbox, c.contact)
		}
	}
}

// TestABlockedMailboxIsNotWrittenTo walks who is told where the contact is the failing mailbox.
func TestABlockedMailboxIsNotWrittenTo(t *testing.T) {
	accounts := map[string]Account{"1": {Address: "front.desk+x@googlemail.com"}, "2": {Address: "billing@sunrise.example"}}
	notice := func(contact string, kind NoticeKind, verdicts ...Verdict) Notice {
		n := Notice{Kind: kind, ContactEmail: contact}
		for i, v := range verdicts {
			n.Items = append(n.Items, NoticeItem{AccountID: string(rune('1' + i)), Verdict: v})
		}
		return n
	}
	for _, c := range []struct {
		what      string
		notice    Notice
		telephone bool
	}{
		{"blocked itself", notice("frontdesk@gmail.com", KindFinding, AccountBlocked), true},
		{"reminder", notice("frontdesk@gmail.com", KindReminder, AccountBlocked), true},
		{"one of two", notice("billing@sunrise.example", KindFinding, Revoked, AccountBlocked), true},
		{"another mailbox is blocked", notice("frontdesk@gmail.com", KindFinding, Revoked, AccountBlocked), false},
		{"another contact", notice("maria@sunrise.example", KindFinding, AccountBlocked), false},
		{"told in error", notice("frontdesk@gmail.com", KindCorrection, AccountBlocked), false},
		{"works again", notice("frontdesk@gmail.com", KindRecovered, AccountBlocked), false},
		{"revoked", notice("frontdesk@gmail.com", KindFinding, Revoked), false},
		{"invalid", notice("frontdesk@gmail.com", KindFinding, Invalid), false},
		{"app password", notice("frontdesk@gmail.com", KindFinding, AppPasswordRequired), false},
		{"sign-in blocked", notice("frontdesk@gmail.com", KindFinding, SignInBlocked), false},
		{"disabled", notice("frontdesk@gmail.com", KindFinding, AuthDisabled), false},
		{"retired", notice("frontdesk@gmail.com", KindFinding, MethodRetired), false},
		{"misconfigured", notice("frontdesk@gmail.com", KindFinding, Misconfigured), false},
		{"single factor", notice("frontdesk@gmail.com", KindFinding, SingleFactor), false},
		{"the account is gone", notice("x@sunrise.example", KindFinding, Revoked, Revoked, AccountBlocked), false},
	} {
		why := unreadable(c.notice, accounts)
		if got := strings.HasSuffix(why, toTelephone); got != c.telephone || (why != "") != c.telephone {
			t.Errorf("%s: %q, want a call: %v", c.what, why, c.telephone)
		}
	}
}
