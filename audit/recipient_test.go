package audit

import "testing"

func TestContactsThatLeadElsewhere(t *testing.T) {
	for contact, elsewhere := range map[string]bool{
		"maria@sunrise.example": false, "maria.lopez+mail@sunrise.example": false, "Maria <maria@sunrise.example>": false,
		"maria@sunrise.co.uk": false, "o'neil@sunrise.example": false, "m@svc.sunrise.example": false, "maria@internal.sunrise.example": false,
		"": false, "no address": false, "maria@sunrise.example.": false,
		"victim%bank.example@relay.example": true, "relay!victim@sunrise.example": true, "%@sunrise.example": true,
		"root@localhost": true, "root@postgres": true, "postmaster@mail.internal": true, "x@relay.mail.svc.cluster.local": true,
		"x@relay.mail.svc": true, "X@Relay.Mail.SVC.Cluster.Local.": true, "x@printer.lan": true, "x@[10.0.0.1]": true, "x@10.0.0.1": true,
		"x@[IPv6:::1]": true, "x@1.0.0.127.in-addr.arpa": true, "Root <root@localhost>": true,
	} {
		if why := Misrouted(contact); (why != "") != elsewhere {
			t.Errorf("%s: %q", contact, why)
		}
	}
}

func TestRecipient(t *testing.T) {
	for contact, want := range map[string]string{
		"Maria.Lopez+x@GoogleMail.com": "marialopez@gmail.com", " m@Sunrise.example ": "m@sunrise.example", "no address": "no address", "": "",
	} {
		if got := Recipient(contact); got != want {
			t.Errorf("%q: %q, want %q", contact, got, want)
		}
	}
}
