package scenario

import (
	"fmt"
	"testing"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/demo"
	"mailaudit/providers/sim"
)

// One night at every provider: each account has the verdict that its provider's words and its own secret
// bring, is asked once, and nothing else is done at a provider.
func TestNightAtEveryProvider(t *testing.T) {
	t.Parallel()
	const app, own, other = "abcdefghijklmnop", "Sunny2345!", "zyxwvutsrqponmlk"
	twoStep := sim.Account{Password: own, AppPasswords: []string{app}, TwoFactor: true}
	oneFactor := sim.Account{Password: own}
	in := func(a sim.Account, state sim.State) sim.Account { a.State = state; return a }
	tests := []struct {
		persona sim.Persona
		truth   sim.Account
		secret  string
		want    audit.Verdict
	}{
		{sim.Google(), twoStep, app, audit.Compliant},
		{sim.Google(), twoStep, "abcd efgh ijkl mnop", audit.Compliant},
		{sim.Google(), twoStep, own, audit.AppPasswordRequired},
		{sim.Google(), twoStep, other, audit.Invalid},
		{sim.Google(), in(twoStep, sim.BrowserSignIn), app, audit.SignInBlocked},
		{sim.Microsoft365(), oneFactor, own, audit.SingleFactor},
		{sim.Microsoft365(), oneFactor, other, audit.Invalid},
		{sim.Microsoft365(), in(oneFactor, sim.SMTPAuthDisabled), own, audit.AuthDisabled},
		{sim.Microsoft365(), in(oneFactor, sim.Locked), own, audit.AccountBlocked},
		{sim.Outlook(), twoStep, app, audit.MethodRetired},
		{sim.Yahoo(), twoStep, app, audit.Compliant},
		{sim.Yahoo(), twoStep, other, audit.Invalid},
		{sim.AOL(), twoStep, app, audit.Compliant},
		{sim.ATT(), twoStep, app, audit.Compliant},
		{sim.Apple(), sim.Account{AppPasswords: []string{demo.Grouped(app, "-")}, TwoFactor: true}, demo.Grouped(app, "-"), audit.Compliant},
		{sim.Zoho(), oneFactor, own, audit.SingleFactor},
		{sim.Fastmail(), twoStep, app, audit.Compliant},
		{sim.Fastmail(), twoStep, other, audit.Invalid},
		{sim.Dovecot(), oneFactor, own, audit.Unproven},
		{sim.Dovecot(), oneFactor, other, audit.Invalid},
		{sim.Dovecot(), in(oneFactor, sim.Locked), own, audit.Invalid}, // it has no words for it
		{sim.CPanel(), oneFactor, own, audit.Unproven},
	}
	s := newScene(t)
	playing := map[string]bool{}
	var rows []row
	for i, tt := range tests {
		if !playing[tt.persona.Name] {
			playing[tt.persona.Name] = true
			tt.persona.Hosts = tt.persona.Hosts[:1]
			s.play(tt.persona, sim.Mood{})
		}
		for _, port := range []string{"465", "587"} {
			login := fmt.Sprintf("front%02d-%s@clinic.example", i, port)
			s.world.Set(login, tt.truth)
			rows = append(rows, row{"account_id": fmt.Sprintf("a-%02d-%s", i, port), "tenant_id": login, "address": login,
				"host": tt.persona.Hosts[0], "port": port, "secret": tt.secret})
		}
	}
	s.install(rows...)
	s.done("run", "--key", "night")
	got := map[string]string{}
	for _, f := range s.report("night").Findings {
		got[f.AccountID] = f.Verdict
	}
	for i, tt := range tests {
		for _, port := range []string{"465", "587"} {
			id := fmt.Sprintf("a-%02d-%s", i, port)
			if verdict := got[id]; verdict != string(tt.want) && (tt.want != audit.Compliant || verdict != "") {
				t.Errorf("%s %s at port %s: %q, want %s", tt.persona.Name, tt.secret, port, verdict, tt.want)
			}
		}
	}
	if n := s.counters(); n.Auths != len(rows) || n.Credentials != len(rows) {
		t.Errorf("%+v for %d accounts", n, len(rows))
	}
	s.leftClean()
}
