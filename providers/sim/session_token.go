package sim

import (
	"encoding/base64"
	"strings"
)

// longestCommand is what Gmail and others bear in a line of AUTH, RFC 5321 section 4.5.3.1.4.
const longestCommand = 512

// authToken plays XOAUTH2 and OAUTHBEARER.
func (s *session) authToken(mood Mood, mechanism, initial string) error {
	if len("AUTH ")+len(mechanism)+1+len(initial)+2 > longestCommand {
		return s.say("555 5.5.2 Syntax error, command line too long")
	}
	if act, ok := mood.At[AtAuth]; ok && act.replaces() {
		return s.act(act)
	}
	sent := initial
	if sent == "" {
		var err error
		if sent, err = s.ask(""); err != nil {
			return err
		}
	}
	login, token, ok := tokenMessage(mechanism, decode(sent))
	if !ok {
		return s.say("501 5.5.2 Cannot decode response")
	}
	p, world := s.server.persona, s.server.opts.World
	var credentials int
	s.server.counters.count(func(n *Counters) { n.Credentials++; credentials = n.Credentials })
	account, known := world.attempt(login)
	answer := Refused
	if known && world.holds(login, token) {
		if answer = account.State.answer(); answer == "" {
			answer = Accepted
		}
	}
	if mood.AuthsUntil > 0 && credentials > mood.AuthsUntil {
		answer = TooMany
	}
	if !s.pause(mood.AuthLatency) {
		return errOver
	}
	text := p.reply(answer)
	if answer == Refused && p.TokenRefused != "" {
		text = p.TokenRefused
	}
	if mood.EchoSecret {
		echo := text[:3] + "-no " + token + " for " + login + "\n"
		for said := sent; said != ""; said = said[min(len(said), longestCommand):] {
			echo += text[:3] + "-" + said[:min(len(said), longestCommand)] + "\n"
		}
		text = echo + text
	}
	if answer == Refused && p.TokenChallenge != "" {
		if err := s.say("334 " + base64.StdEncoding.EncodeToString([]byte(p.TokenChallenge))); err != nil {
			return err
		}
		line, err := s.read()
		if err != nil {
			return err
		}
		if line != map[string]string{"XOAUTH2": "", "OAUTHBEARER": "AQ=="}[mechanism] {
			return s.say("501 5.5.2 Cannot decode response")
		}
	}
	if err := s.at(AtSecret, text); err != nil {
		return err
	}
	if p.CloseRefused && answer != Accepted || strings.HasPrefix(text, "421") {
		return errOver
	}
	return nil
}

// tokenMessage reads "user=...^Aauth=Bearer ...^A^A" and "n,a=...,^Ahost=...^Aauth=Bearer ...^A^A".
func tokenMessage(mechanism, message string) (login, token string, ok bool) {
	fields := strings.Split(message, "\x01")
	if mechanism == "XOAUTH2" {
		login, ok = strings.CutPrefix(fields[0], "user=")
	} else if login, ok = strings.CutPrefix(fields[0], "n,a="); ok {
		login = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(strings.TrimSuffix(login, ","))
	}
	for _, f := range fields[1:] {
		if t, found := strings.CutPrefix(f, "auth=Bearer "); found {
			token = t
		}
	}
	return login, token, ok && token != "" && strings.HasSuffix(message, "\x01\x01")
}
