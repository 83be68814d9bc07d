package dial_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailaudit/providers"
	"mailaudit/providers/dial"
	"mailaudit/providers/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	login  = "front.desk@clinic.example"
	secret = "wint er-Canary+7/x"
)

// play starts a provider that knows one account, and a dialer that is led to it.
func play(t *testing.T, persona sim.Persona, mood sim.Mood, change func(*dial.Config)) (*sim.Server, *dial.Dialer, *sim.World) {
	t.Helper()
	authority, err := sim.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	world := sim.NewWorld()
	world.Set(login, sim.Account{Password: secret, AppPasswords: []string{secret}, TwoFactor: persona.Name != "microsoft"})
	server, err := sim.Start(persona, sim.Options{Authority: authority, World: world, Mood: mood})
	if err != nil {
		t.Fatal(err)
	}
	cfg := dial.Config{
		Timeout: 10 * time.Second,
		RootCAs: authority.Pool(),
		EHLO:    "audit.example.com",
		ConnectTo: map[string]string{
			persona.Hosts[0] + ":465": server.TLSAddr(),
			persona.Hosts[0] + ":587": server.STARTTLSAddr(),
		},
	}
	if change != nil {
		change(&cfg)
	}
	d, err := dial.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 200 { // the server learns of our hanging up a moment later
			if server.Counters().Open == 0 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if n := server.Counters(); n.Open != 0 || n.MailFrom != 0 {
			t.Errorf("%d connections left open, %d MAIL FROM", n.Open, n.MailFrom)
		}
		server.Close()
	})
	return server, d, world
}

func attempt(persona sim.Persona, security providers.Security, password string) providers.Attempt {
	port := map[providers.Security]int{providers.ImplicitTLS: 465, providers.STARTTLS: 587}[security]
	return providers.Attempt{
		Endpoint:   providers.Endpoint{Host: persona.Hosts[0], Port: port, Security: security},
		Mechanisms: []providers.Mechanism{providers.Plain, providers.Login},
		Login:      login,
		Secret:     providers.NewSecret(password),
	}
}

func both(t *testing.T, run func(t *testing.T, security providers.Security)) {
	for _, s := range []providers.Security{providers.ImplicitTLS, providers.STARTTLS} {
		t.Run(string(s), func(t *testing.T) { run(t, s) })
	}
}

func TestEveryPersona(t *testing.T) {
	for _, p := range sim.Personas() {
		t.Run(p.Name, func(t *testing.T) {
			both(t, func(t *testing.T, security providers.Security) {
				server, d, _ := play(t, p, sim.Mood{}, nil)
				good := d.Verify(t.Context(), attempt(p, security, secret))
				if p.Name == "outlook" {
					if good.Reply.Code != 535 || good.Fault != providers.FaultNone {
						t.Errorf("got %+v, want Outlook.com's refusal of every password", good)
					}
				} else if good.Reply.Code != 235 || good.Fault != providers.FaultNone {
					t.Fatalf("right secret: %+v", good)
				}
				bad := d.Verify(t.Context(), attempt(p, security, "wrong-"+secret))
				if bad.Reply.Code != 535 && bad.Reply.Code != 534 || bad.Fault != providers.FaultNone || bad.Stage != providers.StageAuth {
					t.Errorf("wrong secret: %+v", bad)
				}
				if !good.CredentialSent || good.TLSVersion != "TLS 1.3" || !good.RemoteAddr.IsLoopback() || !good.LocalAddr.IsValid() {
					t.Errorf("facts of the connection: %+v", good)
				}
				if good.Resumed || !bad.Resumed {
					t.Errorf("resumed: first %v, second %v", good.Resumed, bad.Resumed)
				}
				n := server.Counters()
				if n.Connections != 2 || n.Auths != 2 || n.Credentials != 2 || n.Resumed != 1 {
					t.Errorf("counters: %+v", n)
				}
				if quits := 2; !p.CloseRefused && n.Quits != quits {
					t.Errorf("%d QUIT, want %d", n.Quits, quits)
				}
			})
		})
	}
}

func TestGoogleReplyIsReadWhole(t *testing.T) {
	p := sim.Google()
	_, d, world := play(t, p, sim.Mood{}, nil)
	world.Change(login, func(a *sim.Account) { a.State = sim.BrowserSignIn })
	c := d.Verify(t.Context(), attempt(p, providers.ImplicitTLS, secret))
	if c.Reply.Code != 534 || c.Reply.Enhanced != "5.7.14" || !strings.Contains(c.Reply.Text, "Please log in via your web browser and then try again.") {
		t.Errorf("reply: %+v", c.Reply)
	}
}

// Each mood is what it is wherever it strikes: no hostile server makes a finding about the customer.
func TestMoods(t *testing.T) {
	p := sim.Google()
	tooSlow := func(c *dial.Config) { c.Timeout = 300 * time.Millisecond }
	at := func(step sim.Step, act sim.Act) sim.Mood { return sim.Mood{At: map[sim.Step]sim.Act{step: act}} }
	type want struct {
		fault providers.Fault
		stage providers.Stage
		sent  bool
	}
	tests := []struct {
		name   string
		mood   sim.Mood
		config func(*dial.Config)
		only   providers.Security
		want   want
	}{
		{name: "other name", mood: sim.Mood{Certificate: sim.CertificateOtherName}, want: want{fault: providers.FaultTLSName}},
		{name: "expired", mood: sim.Mood{Certificate: sim.CertificateExpired}, want: want{fault: providers.FaultTLSUntrusted}},
		{name: "unknown authority", mood: sim.Mood{Certificate: sim.CertificateUnknownCA}, want: want{fault: providers.FaultTLSUntrusted}},
		{name: "self-made for another name", mood: sim.Mood{Certificate: sim.CertificateSelfMade}, want: want{fault: providers.FaultTLSUntrusted}},
		{name: "old TLS", mood: sim.Mood{MaxTLS: tls.VersionTLS11}, want: want{fault: providers.FaultTLS}},
		{name: "no STARTTLS", mood: sim.Mood{NoSTARTTLS: true}, only: providers.STARTTLS, want: want{fault: providers.FaultNoSTARTTLS}},
		{name: "AUTH before TLS alone", mood: sim.Mood{AuthBeforeTLS: true}, want: want{fault: providers.FaultNoMechanism}},
		{name: "bytes behind STARTTLS", mood: sim.Mood{Inject: "250-smtp.gmail.com\r\n250 AUTH PLAIN\r\n"}, only: providers.STARTTLS,
			want: want{fault: providers.FaultProtocol}},
		{name: "clear at the TLS port", mood: at(sim.AtConnect, sim.Act{Raw: "220 smtp.gmail.com ESMTP\r\n"}), only: providers.ImplicitTLS,
			want: want{fault: providers.FaultTLS}},
	}
	acts := []struct {
		name   string
		act    sim.Act
		fault  providers.Fault
		config func(*dial.Config)
	}{
		{"hang", sim.Hang(), providers.FaultTimeout, tooSlow},
		{"dribble", sim.Dribble(20 * time.Millisecond), providers.FaultTimeout, tooSlow},
		{"drop", sim.Drop(), providers.FaultDropped, nil},
		{"half a reply", sim.HalfAReply(), providers.FaultDropped, nil},
		{"garbage", sim.Garbage(), providers.FaultProtocol, nil},
		{"control bytes", sim.ControlBytes(), providers.FaultProtocol, nil},
		{"long line", sim.LongLine(), providers.FaultProtocol, nil},
		{"endless reply", sim.EndlessReply(), providers.FaultProtocol, nil},
		{"unexpected", sim.Say("354 go ahead"), providers.FaultProtocol, nil},
	}
	steps := map[sim.Step]providers.Stage{
		sim.AtGreeting: providers.StageGreeting, sim.AtEHLO: providers.StageEHLO, sim.AtSTARTTLS: providers.StageSTARTTLS,
		sim.AtSecured: providers.StageEHLO, sim.AtAuth: providers.StageAuth, sim.AtSecret: providers.StageAuth,
	}
	for _, a := range acts {
		for step, stage := range steps {
			tt := tests[0]
			tt.name, tt.mood, tt.config = a.name+" at "+string(step), at(step, a.act), a.config
			if a.act.Broken && step == sim.AtAuth {
				continue // where the server says nothing of its own
			}
			if step == sim.AtEHLO || step == sim.AtSTARTTLS {
				tt.only = providers.STARTTLS
			}
			tt.want = want{a.fault, stage, stage == providers.StageAuth}
			tests = append(tests, tt)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			both(t, func(t *testing.T, security providers.Security) {
				if tt.only != "" && tt.only != security {
					t.Skip("strikes the other port")
				}
				t.Parallel()
				server, d, _ := play(t, p, tt.mood, tt.config)
				c := d.Verify(t.Context(), attempt(p, security, secret))
				if c.Fault != tt.want.fault {
					t.Fatalf("fault %q (%s), want %q; reply %+v", c.Fault, c.Detail, tt.want.fault, c.Reply)
				}
				if c.Reply.Code != 0 {
					t.Errorf("a reply beside a fault: %+v", c.Reply)
				}
				if tt.want.stage != "" && c.Stage != tt.want.stage {
					t.Errorf("stage %q, want %q", c.Stage, tt.want.stage)
				}
				if c.CredentialSent != tt.want.sent {
					t.Errorf("credential sent: %v, want %v", c.CredentialSent, tt.want.sent)
				}
				if n := server.Counters(); n.Connections != 1 || n.Auths > 1 || !c.CredentialSent && n.Auths != 0 {
					t.Errorf("counters: %+v", n)
				}
				if c.Detail == "" {
					t.Error("no detail")
				}
				for _, l := range c.Dialogue {
					if strings.ContainsFunc(l.Text, func(r rune) bool { return r < ' ' }) || len(l.Text) > 1300 {
						t.Errorf("unreadable line: %q", l.Text)
					}
				}
			})
		})
	}
}

func TestRefusalsBeforeAuth(t *testing.T) {
	p := sim.Google()
	for step, want := range map[sim.Step]providers.Stage{
		sim.AtGreeting: providers.StageGreeting, sim.AtEHLO: providers.StageEHLO,
		sim.AtSTARTTLS: providers.StageSTARTTLS, sim.AtSecured: providers.StageEHLO,
	} {
		for _, act := range []sim.Act{sim.Say("421 4.7.0 Try again later, closing connection."), sim.SayAndDrop("554 5.7.1 no")} {
			t.Run(fmt.Sprint(step, act.Say), func(t *testing.T) {
				server, d, _ := play(t, p, sim.Mood{At: map[sim.Step]sim.Act{step: act}}, nil)
				c := d.Verify(t.Context(), attempt(p, providers.STARTTLS, secret))
				if c.Fault != providers.FaultNone || c.Reply.Stage != want || fmt.Sprint(c.Reply.Code) != act.Say[:3] || c.CredentialSent {
					t.Errorf("%+v", c)
				}
				if n := server.Counters(); n.Auths != 0 {
					t.Errorf("counters: %+v", n)
				}
			})
		}
	}
}

func TestRefusalThenCloseIsTheReply(t *testing.T) {
	p := sim.Google()
	for _, wire := range []string{"535-5.7.8 no\n535 5.7.8 really", "421 4.7.0 later", "454 4.7.0 busy"} {
		for _, step := range []sim.Step{sim.AtAuth, sim.AtSecret} {
			_, d, _ := play(t, p, sim.Mood{At: map[sim.Step]sim.Act{step: sim.SayAndDrop(wire)}}, nil)
			c := d.Verify(t.Context(), attempt(p, providers.ImplicitTLS, secret))
			if c.Fault != providers.FaultNone || fmt.Sprint(c.Reply.Code) != wire[:3] || !c.CredentialSent {
				t.Errorf("%s at %s: %+v", wire, step, c)
			}
		}
	}
}

func TestQuitIsNotWaitedFor(t *testing.T) {
	p := sim.Google()
	_, d, _ := play(t, p, sim.Mood{At: map[sim.Step]sim.Act{sim.AtQuit: sim.Hang()}}, func(c *dial.Config) { c.Timeout = time.Minute })
	c := d.Verify(t.Context(), attempt(p, providers.ImplicitTLS, secret))
	if c.Reply.Code != 235 || c.Took > 30*time.Second {
		t.Errorf("%+v", c)
	}
}

func TestCancelled(t *testing.T) {
	p := sim.Google()
	for _, step := range []sim.Step{sim.AtConnect, sim.AtGreeting, sim.AtEHLO, sim.AtHandshake, sim.AtSecured, sim.AtAuth, sim.AtSecret} {
		t.Run(string(step), func(t *testing.T) {
			mood := sim.Mood{At: map[sim.Step]sim.Act{step: sim.Hang()}}
			_, d, _ := play(t, p, mood, func(c *dial.Config) { c.Timeout = time.Minute })
			ctx, cancel := context.WithCancel(t.Context())
			defer time.AfterFunc(100*time.Millisecond, cancel).Stop()
			c := d.Verify(ctx, attempt(p, providers.STARTTLS, secret))
			if c.Fault != providers.FaultCancelled {
				t.Errorf("%+v", c)
			}
		})
	}
	t.Run("before", func(t *testing.T) {
		server, d, _ := play(t, p, sim.Mood{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if c := d.Verify(ctx, attempt(p, providers.STARTTLS, secret)); c.Fault != providers.FaultCancelled || c.CredentialSent {
			t.Errorf("%+v", c)
		}
		if n := server.Counters(); n.Auths != 0 {
			t.Errorf("%+v", n)
		}
	})
}

func TestLoginAndPlainVariants(t *testing.T) {
	long := strings.Repeat("p", 600)
	tests := []struct {
		name       string
		mood       sim.Mood
		mechanisms []providers.Mechanism
		secret     string
	}{
		{"LOGIN with other prompts", sim.Mood{LoginPrompts: [2]string{"User Name", "password for you\x00"}}, []providers.Mechanism{providers.Login}, secret},
		{"LOGIN with empty prompts", sim.Mood{LoginPrompts: [2]string{"", ""}}, []providers.Mechanism{providers.Login}, secret},
		{"PLAIN prompted all the same", sim.Mood{PromptPlain: true}, []providers.Mechanism{providers.Plain}, secret},
		{"PLAIN in two steps when long", sim.Mood{}, []providers.Mechanism{providers.Plain}, long},
		{"LOGIN preferred", sim.Mood{}, []providers.Mechanism{providers.Login, providers.Plain}, secret},
		{"what we do not speak is passed over", sim.Mood{}, []providers.Mechanism{"CRAM-MD5", providers.Plain}, secret},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sim.Yahoo()
			server, d, world := play(t, p, tt.mood, nil)
			world.Set(login, sim.Account{AppPasswords: []string{tt.secret}})
			a := attempt(p, providers.ImplicitTLS, tt.secret)
			a.Mechanisms = tt.mechanisms
			c := d.Verify(t.Context(), a)
			if c.Reply.Code != 235 {
				t.Errorf("%+v", c)
			}
			if n := server.Counters(); n.Auths != 1 || n.Credentials != 1 {
				t.Errorf("%+v", n)
			}
		})
	}
}

// A server that asks on and on gets the credential once, and no line that it could count as a second.
func TestEndlessChallenges(t *testing.T) {
	p := sim.Google()
	for _, m := range []providers.Mechanism{providers.Plain, providers.Login} {
		server, d, _ := play(t, p, sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("334 bW9yZQ==")}}, nil)
		a := attempt(p, providers.ImplicitTLS, secret)
		a.Mechanisms = []providers.Mechanism{m}
		c := d.Verify(t.Context(), a)
		if c.Fault != providers.FaultProtocol {
			t.Errorf("%s: %+v", m, c)
		}
		given := 0
		for _, l := range c.Dialogue {
			if !l.FromServer && strings.Contains(l.Text, "[secret]") {
				given++
			}
		}
		if n := server.Counters(); n.Auths != 1 || n.Quits != 0 || given != 2 {
			t.Errorf("%s: %+v, %d lines of credential", m, n, given)
		}
	}
}

// A 334 that says in words why it refuses is the answer, and the credential is not given again.
func TestWordsInTheChallenge(t *testing.T) {
	p := sim.Google()
	for _, m := range []providers.Mechanism{providers.Plain, providers.Login} {
		server, d, _ := play(t, p, sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("334 5.7.8 The code of your phone is missing")}}, nil)
		a := attempt(p, providers.ImplicitTLS, secret)
		a.Mechanisms = []providers.Mechanism{m}
		c := d.Verify(t.Context(), a)
		if c.Fault != providers.FaultNone || c.Reply.Code != 334 || c.Reply.Text != "The code of your phone is missing" {
			t.Errorf("%s: %+v", m, c)
		}
		if n := server.Counters(); n.Credentials > 1 || n.Auths != 1 {
			t.Errorf("%s: %+v", m, n)
		}
	}
}
