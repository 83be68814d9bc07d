package scenario

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers/sim"
)

// A night among hostile servers: what they do is nobody's verdict but their own, the night ends, and the
// accounts elsewhere are judged as on any other night.
func TestNightAmongHostileServers(t *testing.T) { // alone, for it looks at the memory
	at := func(step sim.Step, act sim.Act) sim.Mood { return sim.Mood{At: map[sim.Step]sim.Act{step: act}} }
	const nothing, wrong = audit.Unverified, audit.Misconfigured
	hostile := []struct {
		name string
		mood sim.Mood
		port string
		want audit.Verdict
	}{
		{"garbage at the greeting", at(sim.AtGreeting, sim.Garbage()), "465", nothing},
		{"garbage for an answer", at(sim.AtSecret, sim.Garbage()), "465", nothing},
		{"a line without end", at(sim.AtGreeting, sim.LongLine()), "465", nothing},
		{"an answer without end", at(sim.AtSecret, sim.LongLine()), "587", nothing},
		{"lines without end", at(sim.AtSecured, sim.EndlessReply()), "587", nothing},
		{"a byte at a time", at(sim.AtSecret, sim.Dribble(50*time.Millisecond)), "465", nothing},
		{"no greeting", at(sim.AtGreeting, sim.Hang()), "465", nothing},
		{"no answer", at(sim.AtSecret, sim.Hang()), "587", nothing},
		{"dropped at connect", at(sim.AtConnect, sim.Drop()), "465", nothing},
		{"dropped at greeting", at(sim.AtGreeting, sim.Drop()), "465", nothing},
		{"dropped at EHLO", at(sim.AtEHLO, sim.Drop()), "587", nothing},
		{"dropped at STARTTLS", at(sim.AtSTARTTLS, sim.Drop()), "587", nothing},
		{"dropped at the handshake", at(sim.AtHandshake, sim.Drop()), "587", nothing},
		{"dropped after TLS", at(sim.AtSecured, sim.Drop()), "587", nothing},
		{"dropped at AUTH", at(sim.AtAuth, sim.Drop()), "465", nothing},
		{"dropped at the answer", at(sim.AtSecret, sim.Drop()), "465", nothing},
		{"reset at the answer", at(sim.AtSecret, sim.Reset()), "465", nothing},
		{"half an answer", at(sim.AtSecret, sim.HalfAReply()), "465", nothing},
		{"NUL and escapes", at(sim.AtSecret, sim.ControlBytes()), "465", nothing},
		{"asks on and on", at(sim.AtSecret, sim.Say("334 more")), "465", nothing},
		{"certificate for another host", sim.Mood{Certificate: sim.CertificateOtherName}, "465", wrong},
		{"expired certificate", sim.Mood{Certificate: sim.CertificateExpired}, "587", nothing},
		{"AUTH before TLS alone", sim.Mood{AuthBeforeTLS: true}, "587", wrong},
		{"no STARTTLS", sim.Mood{NoSTARTTLS: true}, "587", wrong},
		{"TLS 1.1", sim.Mood{MaxTLS: tls.VersionTLS11}, "465", nothing},
		{"more bytes behind STARTTLS", sim.Mood{Inject: "250-x\r\n250 AUTH PLAIN\r\n"}, "587", nothing},
	}
	s := newScene(t)
	s.settings["guard"] = "{max_unreachable: 100%}" // so that the night of all other hosts is not void
	var rows []row
	want := map[string]audit.Verdict{}
	names := map[string]string{}
	for i, h := range hostile {
		persona := sim.Dovecot()
		persona.Hosts = []string{fmt.Sprintf("mail.hostile%02d.example", i)}
		s.play(persona, h.mood)
		for j := range 2 {
			id := fmt.Sprintf("hostile-%02d-%d", i, j)
			login := fmt.Sprintf("front%d@hostile%02d.example", j, i)
			s.world.Set(login, sim.Account{Password: "Sunny2345!"})
			rows = append(rows, row{"account_id": id, "tenant_id": "T-" + id, "address": login, "host": persona.Hosts[0], "port": h.port, "secret": "Sunny2345!"})
			want[id], names[id] = h.want, h.name
		}
	}
	healthy := sim.Dovecot()
	healthy.Hosts = []string{"mail.healthy.example"}
	s.play(healthy, sim.Mood{})
	s.play(sim.Google(), sim.Mood{})
	for i := range 20 {
		id, login := fmt.Sprintf("healthy-%02d", i), fmt.Sprintf("front%d@healthy.example", i)
		r := row{"account_id": id, "tenant_id": "T-" + id, "address": login, "host": "mail.healthy.example", "port": "465", "secret": "Sunny2345!"}
		want[id] = audit.Unproven
		s.world.Set(login, sim.Account{Password: "Sunny2345!"})
		if i%2 == 0 {
			r["host"], r["secret"] = "smtp.gmail.com", "abcdefghijklmnop"
			s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
			want[id] = audit.Compliant
		}
		rows = append(rows, r)
	}
	s.settings["network"] = inYAML(map[string]any{
		"tls_ca": s.path("ca.pem"), "ehlo": "audit.product.example", "timeout": "4s", "connect_to": s.places,
	})
	s.install(rows...)
	heap := liveHeap()
	s.done("run", "--key", "night")
	// Nothing of what an endless server has sent is kept.
	if grown := int64(liveHeap()) - int64(heap); grown > 64<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	r := s.report("night")
	if r.Run.Status != "concluded" || r.Run.Accounts != len(rows) {
		t.Errorf("run: %+v", r.Run)
	}
	got := map[string]string{}
	for _, f := range r.Findings {
		got[f.AccountID] = f.Verdict
		if strings.ContainsAny(f.Reply, "\x00\x1b\r\n") || len(f.Reply) > 1000 {
			t.Errorf("%s shows what the server sent: %q", f.AccountID, f.Reply)
		}
	}
	for id, verdict := range want {
		if verdict != audit.Compliant && got[id] != string(verdict) || verdict == audit.Compliant && got[id] != "" {
			t.Errorf("%s %s: %q, want %s", id, names[id], got[id], verdict)
		}
	}
	for login, n := range s.world.Attempts() {
		if n > 2 {
			t.Errorf("%s was asked %d times", login, n)
		}
	}
	if mails := s.recipients(); len(mails) != 0 {
		t.Errorf("mails to %v", slices.Compact(mails))
	}
	s.leftClean()
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
