package dial

import (
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
			got := parseEHLO(tt.wire)
			if got.startTLS != tt.startTLS {
				t.Errorf("STARTTLS: %v", got.startTLS)
			}
			if diff := cmp.Diff(tt.want, got.mechanisms); diff != "" {
				t.Error(diff)
			}
		})
	}
}
