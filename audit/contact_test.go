package audit

import "testing"

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
