package protocol

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailaudit/providers"
)

func TestParseEHLO(t *testing.T) {
	type list = []providers.Mechanism
	for _, tt := range []struct {
		name, wire string
		startTLS   bool
		want       list
	}{
		{"Exchange", "250-x Hello [192.0.2.1]\n250-STARTTLS\n250-AUTH LOGIN XOAUTH2\n250 SMTPUTF8", true, list{"LOGIN", "XOAUTH2"}},
		{"last line", "250-x\n250 AUTH PLAIN LOGIN", false, list{"PLAIN", "LOGIN"}},
		{"old form and repetition", "250-x\n250-AUTH PLAIN LOGIN\n250 AUTH=LOGIN PLAIN CRAM-MD5", false, list{"PLAIN", "LOGIN", "CRAM-MD5"}},
		{"lower case, tab, trailing space", "250-x\n250-starttls \n250 auth\tplain login ", true, list{"PLAIN", "LOGIN"}},
		{"one line", "250 AUTH PLAIN", false, nil},
		{"greeting that looks like an offer", "250-STARTTLS at your service\n250 HELP", false, nil},
		{"nothing offered", "250-x\n250-AUTH\n250-\n250", false, nil},
		{"not a mechanism", "250-x\n250 AUTH PL<AIN LOGIN aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, list{"LOGIN"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ParseEHLO(tt.wire)
			if got.StartTLS != tt.startTLS {
				t.Errorf("STARTTLS: %v", got.StartTLS)
			}
			if diff := cmp.Diff(tt.want, got.Mechanisms); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever a server claims to offer: names that can be mechanisms, each once.
func FuzzEHLO(f *testing.F) {
	f.Add("250-mail.example at your service\n250-STARTTLS\n250-AUTH LOGIN PLAIN\n250 AUTH=LOGIN XOAUTH2")
	f.Add("250 auth \x00plain\t=\t=PLAIN plain")
	f.Fuzz(func(t *testing.T, wire string) {
		o := ParseEHLO(wire)
		for i, m := range o.Mechanisms {
			name := string(m)
			if name == "" || !mechanismName(name) || name != strings.ToUpper(name) || slices.Contains(o.Mechanisms[:i], m) {
				t.Fatalf("%q of %q", o.Mechanisms, wire)
			}
		}
		if o.StartTLS && !strings.Contains(strings.ToUpper(wire), "STARTTLS") {
			t.Fatalf("STARTTLS out of %q", wire)
		}
	})
}
