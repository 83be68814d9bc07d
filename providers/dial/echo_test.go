package dial_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
	"mailaudit/providers/sim"
)

// A server that repeats the credential in every form, in every reply, gets it into no part of the result.
func TestEcho(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	forms := []string{
		secret, strings.ToUpper(secret), strings.ReplaceAll(secret, " ", ""), url.QueryEscape(secret), url.PathEscape(secret),
		hex.EncodeToString([]byte(secret)), b64([]byte(secret)), b64([]byte("\x00" + login + "\x00" + secret)),
	}
	everywhere := strings.Join(forms, " ")
	moods := map[string]sim.Mood{
		"in the refusal":  {EchoSecret: true},
		"in the greeting": {At: map[sim.Step]sim.Act{sim.AtGreeting: sim.Say("554 " + everywhere)}},
		"in the offer":    {At: map[sim.Step]sim.Act{sim.AtSecured: sim.Say("250-x\n250 AUTH " + everywhere)}},
		"in the farewell": {At: map[sim.Step]sim.Act{sim.AtQuit: sim.Say("221 " + everywhere)}},
		"in garbage":      {At: map[sim.Step]sim.Act{sim.AtSecret: {Raw: everywhere + "\r\n"}}},
		"in a prompt":     {At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("334 " + forms[6])}},
		"in words":        {At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("334 No password is as good as " + everywhere)}},
		"over two lines":  {At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("535-" + secret[:9] + "\n535 " + secret[9:])}},
	}
	for name, mood := range moods {
		for _, m := range []providers.Mechanism{providers.Plain, providers.Login} {
			for _, known := range []bool{true, false} {
				t.Run(fmt.Sprint(name, " ", m, " ", known), func(t *testing.T) {
					p := sim.Google()
					_, d, world := play(t, p, mood, nil)
					if !known {
						world.Delete(login)
					}
					a := attempt(p, providers.ImplicitTLS, secret)
					a.Mechanisms = []providers.Mechanism{m}
					c := d.Verify(t.Context(), a)
					all := fmt.Sprintf("%+v", c)
					for _, l := range c.Dialogue {
						all += "\n" + l.Text
					}
					for i, f := range forms {
						if strings.Contains(all, f) {
							t.Errorf("form %d is in the result: %s", i, all)
						}
					}
					if len(c.Dialogue) == 0 {
						t.Error("no dialogue")
					}
				})
			}
		}
	}
}

// A secret that comes in pieces too short to be seen, one with each reply, is not put together by the dialogue.
func TestEchoInPieces(t *testing.T) {
	const secret = "Zq8kfW3xVb7nLm2"
	p := sim.Yahoo()
	_, d, world := play(t, p, sim.Mood{At: map[sim.Step]sim.Act{
		sim.AtGreeting: sim.Say("220 ready " + secret[:5]),
		sim.AtSecured:  sim.Say("250-" + secret[5:10] + "\n250 AUTH PLAIN LOGIN"),
	}}, nil)
	world.Delete(login)
	c := d.Verify(t.Context(), attempt(p, providers.ImplicitTLS, secret))
	said := ""
	for _, l := range c.Dialogue {
		if l.FromServer {
			_, rest := protocol.CutCode(l.Text)
			said += rest
		}
	}
	for i := range len(secret) - 5 {
		if strings.Contains(said, secret[i:i+6]) {
			t.Fatalf("a piece is shown: %+v", c.Dialogue)
		}
	}
	if !strings.HasPrefix(c.Dialogue[0].Text, "220 ") {
		t.Errorf("the code is not shown: %+v", c.Dialogue)
	}
}

// What a server offers is read as it came, whatever a secret shares with it: the sign-in goes on.
func TestOfferSurvivesASecretLikeIt(t *testing.T) {
	for _, secret := range []string{"PLAIN-CLIENTTOKEN", "XOAUTH2 OAUTHBEARER", "AUTH LOGIN PLAIN"} {
		p := sim.Google()
		_, d, world := play(t, p, sim.Mood{}, nil)
		world.Set(login, sim.Account{Password: secret})
		if c := d.Verify(t.Context(), attempt(p, providers.ImplicitTLS, secret)); c.Fault != providers.FaultNone || c.Reply.Code == 0 {
			t.Errorf("%q: %+v", secret, c)
		}
	}
}

func TestDialogueShowsTheCommands(t *testing.T) {
	p := sim.Yahoo()
	_, d, _ := play(t, p, sim.Mood{}, nil)
	for m, want := range map[providers.Mechanism][]string{
		providers.Plain: {"EHLO audit.example.com", "STARTTLS", "EHLO audit.example.com", "AUTH PLAIN [secret]", "QUIT"},
		providers.Login: {"EHLO audit.example.com", "STARTTLS", "EHLO audit.example.com", "AUTH LOGIN", "[secret]", "[secret]", "QUIT"},
	} {
		a := attempt(p, providers.STARTTLS, secret)
		a.Mechanisms = []providers.Mechanism{m}
		var ours []string
		for _, l := range d.Verify(t.Context(), a).Dialogue {
			if !l.FromServer {
				ours = append(ours, l.Text)
			}
		}
		if strings.Join(ours, "|") != strings.Join(want, "|") {
			t.Errorf("%s: %q", m, ours)
		}
	}
}
