package audit_test

import (
	"testing"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
)

func TestOneMailboxHasOneName(t *testing.T) {
	for _, test := range []struct {
		provider, host, login, alike string
		same                         bool
	}{
		{"google", "smtp.gmail.com", "clinic.one@gmail.com", "Clinic.One@GMAIL.com", true},
		{"google", "smtp.gmail.com", "clinic.one@gmail.com", "clinicone@gmail.com", true},
		{"google", "smtp.gmail.com", "clinic.one@gmail.com", "clinicone+desk@googlemail.com.", true},
		{"google", "smtp.gmail.com", "clinic.one@gmail.com", "CLINICONE", true},
		{"google", "smtp.gmail.com", "clinic.one@gmail.com", "clinic.two@gmail.com", false},
		{"google", "smtp.gmail.com", "front.desk@clinic.example", "frontdesk@clinic.example", false},
		{"google", "smtp.gmail.com", "front+a@clinic.example", "front@clinic.example", false},
		{"yahoo", "smtp.mail.yahoo.com", "One@Yahoo.com", "one", true},
		{"yahoo", "smtp.mail.yahoo.com", "a.b@yahoo.com", "ab@yahoo.com", false},
		{"fastmail", "smtp.fastmail.com", "one@fastmail.com", "one+x@fastmail.com", false},
		{"other", "mail.host.example", "One@Bücher.example", "one@xn--bcher-kva.example", true},
		{"other", "mail.host.example", "INFO", "info", true},
		{"other", "mail.host.example", "one@host.example", "one", false},
	} {
		p, ok := catalog.ByName(test.provider)
		if !ok {
			t.Fatal(test.provider)
		}
		a, b := audit.Mailbox(p, test.host, test.login), audit.Mailbox(p, test.host, test.alike)
		if (a == b) != test.same {
			t.Errorf("%s: %q and %q: the same is %v", test.provider, test.login, test.alike, a == b)
		}
	}
	other, _ := catalog.ByName("other")
	if audit.Mailbox(other, "mail.a.example", "info") == audit.Mailbox(other, "mail.b.example", "info") {
		t.Error("two hosts have one mailbox info")
	}
	if audit.Mailbox(other, "mail.a.example", "info@a.example") != audit.Mailbox(other, "smtp.a.example", "info@a.example") {
		t.Error("an address is another mailbox at another name of its host")
	}
}
