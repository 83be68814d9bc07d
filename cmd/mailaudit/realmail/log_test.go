package realmail

import "testing"

func TestCountsReadALine(t *testing.T) {
	service, said, ok := parseLine("Nov 23 02:15:00 box plain-465/smtpd[4711]: disconnect from unknown[127.0.0.1] ehlo=2 starttls=1 auth=0/1 mail=1 quit=1 commands=5/6\n")
	if service != PlainTLS || !ok {
		t.Fatalf("service %q, %v", service, ok)
	}
	var c Counts
	m := disconnected.FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("not read: %s", said)
	}
	c.add([]string{"ehlo=2", "auth=0/1", "auth=3", "mail=1", "quit=1"})
	if want := (Counts{Auths: 4, Accepted: 3, Mails: 1, Quits: 1}); c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	if _, _, ok := parseLine("Nov 23 02:15:00 box postfix/master[1]: daemon started\n"); ok {
		t.Error("a line of the master counts as a service's")
	}
}
