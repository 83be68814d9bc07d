package dial_test

import (
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/other"
	"mailaudit/providers/sim"
)

// offering is a host that offers these mechanisms and no other.
func offering(mechanisms string) sim.Persona {
	p := sim.Dovecot()
	p.Secured = "250-{host}\n250-PIPELINING\n250-AUTH " + mechanisms + "\n250 8BITMIME"
	return p
}

func TestScramWhereNothingElseIsOffered(t *testing.T) {
	for name, tt := range map[string]struct {
		offer string
		mood  sim.Mood
		wrong bool
		want  providers.Mechanism
	}{
		"SHA-256 before SHA-1":            {offer: "SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5", want: providers.ScramSHA256},
		"SHA-1":                           {offer: "SCRAM-SHA-1-PLUS SCRAM-SHA-1 NTLM", want: providers.ScramSHA1},
		"PLAIN before both":               {offer: "SCRAM-SHA-256 PLAIN", want: providers.Plain},
		"LOGIN before both":               {offer: "SCRAM-SHA-256 LOGIN", want: providers.Login},
		"prompted all the same":           {offer: "SCRAM-SHA-256", mood: sim.Mood{PromptPlain: true}, want: providers.ScramSHA256},
		"as much work as is usual":        {offer: "SCRAM-SHA-256", mood: sim.Mood{ScramWork: 20_000}, want: providers.ScramSHA256},
		"a wrong password":                {offer: "SCRAM-SHA-256", wrong: true, want: providers.ScramSHA256},
		"refused within the exchange":     {offer: "SCRAM-SHA-1", mood: sim.Mood{ScramError: true}, wrong: true, want: providers.ScramSHA1},
		"repeats what it knows":           {offer: "SCRAM-SHA-256", mood: sim.Mood{EchoSecret: true}, want: providers.ScramSHA256},
		"repeats it, and in its way here": {offer: "SCRAM-SHA-1", mood: sim.Mood{EchoSecret: true}, want: providers.ScramSHA1},
	} {
		t.Run(name, func(t *testing.T) {
			p := offering(tt.offer)
			server, d, world := play(t, p, tt.mood, nil)
			world.Set(login, sim.Account{Password: secret})
			given := secret
			if tt.wrong {
				given = "not-" + secret
			}
			a := attempt(p, providers.STARTTLS, given)
			a.Mechanisms = other.Provider.Mechanisms
			c := d.Verify(t.Context(), a)
			code := map[bool]int{false: 235, true: 535}[tt.wrong]
			if c.Fault != providers.FaultNone || c.Reply.Code != code || c.Mechanism != tt.want || !c.CredentialSent {
				t.Errorf("got %+v", c)
			}
			if r := other.Provider.Read(c, true); tt.wrong && r.Class != providers.CredentialRejected {
				t.Errorf("read as %+v", r)
			}
			if n := server.Counters(); n.Auths != 1 || n.Credentials != 1 {
				t.Errorf("%+v", n)
			}
			for _, l := range c.Dialogue {
				if strings.Contains(l.Text, secret) || strings.Contains(l.Text, "p=") {
					t.Errorf("told: %s", l.Text)
				}
			}
		})
	}
}

// A server that does not know the password itself, or speaks another language, is given up on; nobody is accused.
func TestScramThatCannotBe(t *testing.T) {
	for name, mood := range map[string]sim.Mood{
		"a forged proof": {ScramForged: true},
		"garbage":        {At: map[sim.Step]sim.Act{sim.AtAuth: sim.Say("334 cj1ub25zZW5zZQ==")}},
		"on and on":      {At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("334 bW9yZQ==")}},
	} {
		t.Run(name, func(t *testing.T) {
			p := offering("SCRAM-SHA-256")
			_, d, world := play(t, p, mood, nil)
			world.Set(login, sim.Account{Password: secret})
			a := attempt(p, providers.STARTTLS, secret)
			a.Mechanisms = other.Provider.Mechanisms
			c := d.Verify(t.Context(), a)
			if c.Fault != providers.FaultProtocol || c.Detail == "" {
				t.Errorf("got %+v", c)
			}
			if r := other.Provider.Read(c, true); r.Accuses() {
				t.Errorf("read as %+v", r)
			}
		})
	}
}

// What we do not speak is ours to learn: the account stays unverified, and its customer's settings are not blamed.
func TestMechanismsThatStayUnspoken(t *testing.T) {
	for offer, fault := range map[string]providers.Fault{
		"CRAM-MD5":                providers.FaultUnspoken,
		"NTLM":                    providers.FaultUnspoken,
		"DIGEST-MD5 CRAM-MD5":     providers.FaultUnspoken,
		"SCRAM-SHA-512":           providers.FaultUnspoken,
		"SCRAM-SHA-256-PLUS":      providers.FaultUnspoken,
		"GSSAPI NTLM XOAUTH2":     providers.FaultUnspoken,
		"XOAUTH2 OAUTHBEARER":     providers.FaultNoMechanism,
		"EXTERNAL":                providers.FaultNoMechanism,
		"":                        providers.FaultNoMechanism,
		"ANONYMOUS X-UNKNOWN-YET": providers.FaultNoMechanism,
	} {
		t.Run(offer, func(t *testing.T) {
			p := offering(offer)
			server, d, _ := play(t, p, sim.Mood{}, nil)
			a := attempt(p, providers.ImplicitTLS, secret)
			a.Mechanisms = other.Provider.Mechanisms
			c := d.Verify(t.Context(), a)
			if c.Fault != fault || c.CredentialSent || server.Counters().Auths != 0 {
				t.Errorf("got %+v", c)
			}
			for _, foreign := range []bool{true, false} {
				r := other.Provider.Read(c, foreign)
				if ours := fault == providers.FaultUnspoken; ours && (r.Class != providers.ClientRefused || r.Actor != providers.ActorUs || r.Accuses() || r.Passing()) {
					t.Errorf("read as %+v", r)
				}
			}
		})
	}
	// A probe that has nothing to offer, as doctor's has, is not misled.
	p := offering("PLAIN CRAM-MD5")
	_, d, _ := play(t, p, sim.Mood{}, nil)
	a := attempt(p, providers.ImplicitTLS, secret)
	a.Mechanisms = nil
	if c := d.Verify(t.Context(), a); c.Fault != providers.FaultNoMechanism {
		t.Errorf("got %+v", c)
	}
}
