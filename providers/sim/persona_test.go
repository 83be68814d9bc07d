package sim

import (
	"strings"
	"testing"
	"time"
)

func TestPersonasJudge(t *testing.T) {
	app, ordinary := "abcd efgh ijkl mnop", "Ordinary-1"
	with := Account{Password: ordinary, AppPasswords: []string{app}, TwoFactor: true}
	without := Account{Password: ordinary}
	for _, tt := range []struct {
		p       Persona
		account Account
		secret  string
		want    Answer
	}{
		{Google(), with, app, Accepted},
		{Google(), with, "abcdefghijklmnop", Accepted},
		{Google(), with, ordinary, NeedsAppPassword},
		{Google(), without, ordinary, Refused},
		{Google(), with, "wrong", Refused},
		{Microsoft365(), without, ordinary, Accepted},
		{Microsoft365(), with, ordinary, NeedsMFA},
		{Microsoft365(), with, app, Accepted},
		{Microsoft365(), without, "", Refused},
		{Outlook(), with, app, Disabled},
		{Yahoo(), with, app, Accepted},
		{Yahoo(), without, ordinary, Refused},
		{Apple(), with, app, Accepted},
		{Apple(), Account{AppPasswords: []string{app}}, app, Refused},
		{Zoho(), without, ordinary, Accepted},
		{Zoho(), with, ordinary, Refused},
		{Fastmail(), without, ordinary, Refused},
		{Dovecot(), with, ordinary, Accepted},
		{CPanel(), without, "wrong", Refused},
	} {
		if got := tt.p.answer(tt.account, true, tt.secret); got != tt.want {
			t.Errorf("%s %+v %q: %s, want %s", tt.p.Name, tt.account, tt.secret, got, tt.want)
		}
	}
	for _, p := range Personas() {
		if got := p.answer(Account{}, false, ""); got == Accepted {
			t.Errorf("%s opens to nobody", p.Name)
		}
	}
}

// Every reply of every persona is one well-formed SMTP reply, and names no part that stays unfilled.
func TestPersonasSpeakSMTP(t *testing.T) {
	for _, p := range Personas() {
		texts := map[string]string{"greeting": p.Greeting, "clear": p.Clear, "secured": p.Secured, "mechanism": p.NoMechanism}
		for a, text := range p.Replies {
			texts[string(a)] = text
		}
		for name, text := range texts {
			lines := strings.Split(p.fill(text, 7, time.Unix(1e9, 0)), "\n")
			for i, l := range lines {
				sep := "-"
				if i == len(lines)-1 {
					sep = " "
				}
				if len(l) < 4 || l[:3] != lines[0][:3] || l[3:4] != sep || strings.ContainsAny(l, "{}") {
					t.Errorf("%s %s: line %q", p.Name, name, l)
				}
			}
		}
		if strings.Contains(p.Clear, "AUTH ") || !strings.Contains(p.Clear, "STARTTLS") || strings.Contains(p.Secured, "STARTTLS") {
			t.Errorf("%s: EHLO lists", p.Name)
		}
		if p.reply(TooMany) == "" || p.reply(Unavailable)[0] != '4' {
			t.Errorf("%s: has no words for a passing fault", p.Name)
		}
	}
}
