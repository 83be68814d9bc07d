package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// hosted is a clinic at a shared host that no provider owns.
func (s *scene) hosted(i int, host string) row {
	login := fmt.Sprintf("desk%02d@clinic%02d.example", i, i)
	s.world.Set(login, sim.Account{Password: "Clinic!Secret" + fmt.Sprint(i)})
	return row{"account_id": fmt.Sprintf("h-%02d", i), "tenant_id": fmt.Sprintf("H-%02d", i), "address": login, "secret": "Clinic!Secret" + fmt.Sprint(i),
		"host": host, "port": "465", "contact_email": fmt.Sprintf("desk%02d@customers.example", i)}
}

// thief has an address of its own and sees every secret that is sent to it.
func (s *scene) thief() (server *sim.Server, host string) {
	persona := sim.CPanel()
	persona.Hosts = []string{"mail.thief.example"}
	return s.play(persona, sim.Mood{}), persona.Hosts[0]
}

// rewrite changes rows as somebody can who has no key.
func (s *scene) rewrite(column, value, where string) {
	s.inDatabase(`UPDATE mail_accounts SET ` + column + ` = '` + value + `' WHERE ` + where)
}

// Who can write the accounts' hosts, and has no key, has no secret sent to his own server: not where it was accepted
// elsewhere, and not where the address is a provider's own. Nobody is accused on that account.
func TestIncidentNoSecretFollowsAChangedHost(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	thief, host := s.thief()
	shared := s.play(sim.CPanel(), sim.Mood{})
	s.writeConfig()
	rows := []row{s.hosted(0, sim.CPanel().Hosts[0]), s.hosted(1, sim.CPanel().Hosts[0]), s.hosted(2, sim.CPanel().Hosts[0])}
	fresh := s.clinic(90, "gmail.com") // its secret was never accepted
	fresh["secret"], fresh["host"], fresh["port"] = "Guessed!1", host, "465"
	s.atNight(1)
	s.imported(append(rows, fresh)...)
	s.done("run")
	if got := s.report("").verdictsOf(); len(got["unproven"]) != 3 || len(got["unverified"]) != 1 {
		t.Fatalf("first night: %v", got)
	}
	s.rewrite("host", host, "account_id IN ('a-00', 'a-01', 'h-00')")
	s.rewrite("username", "root@thief.example", "account_id = 'h-01'")
	s.rewrite("host", "smtp.googlemail.com", "account_id = 'a-02'") // the same provider
	s.rewrite("port", "587", "account_id = 'a-02'")
	s.rewrite("port", "587", "account_id = 'h-02'")
	s.atNight(2)
	before := google.Counters().Credentials
	s.done("run")
	if n := thief.Counters().Credentials; n != 0 {
		t.Errorf("%d secrets are known to another server", n)
	}
	r := s.report("")
	got := r.verdictsOf()
	want := []string{"a-00", "a-01", "a-90", "h-00", "h-01", "h-02"}
	if slices.Sort(got["unverified"]); !slices.Equal(got["unverified"], want) || r.Verdicts["compliant"] != 22 {
		t.Errorf("findings %v", got)
	}
	if n := google.Counters().Credentials - before; n != 18 {
		t.Errorf("%d of 18 mailboxes were asked at Google", n)
	}
	if n := shared.Counters().Credentials; n != 3 {
		t.Errorf("the shared host saw %d sign-ins, of which 3 are the first night's", n)
	}
	s.nothingMailed()
	text := s.done("check", "h-00")
	if !strings.Contains(text, "destination changed") || !strings.Contains(text, host) {
		t.Errorf("check says %q", text)
	}

	// A person vouches, and the secret goes; for a provider's own address nobody can.
	s.world.Set("desk00@clinic00.example", sim.Account{Password: "Clinic!Secret0"})
	s.done("accounts", "vouch", "h-00", "--by", "ops", "--why", "moved")
	if o := s.do("accounts", "vouch", "a-00", "--by", "ops"); o.code != exit.Failed || !strings.Contains(o.stderr, "Google alone") {
		t.Errorf("vouched for a Gmail address elsewhere: %d %s", o.code, o.stderr)
	}
	for _, args := range [][]string{{"accounts", "vouch", "--by", "ops"}, {"accounts", "vouch", "h-01", "--host", host, "--by", "ops"}, {"accounts", "vouch", "h-01"}} {
		if o := s.do(args...); o.code != exit.Usage {
			t.Errorf("%v: exit %d %s", args, o.code, o.stderr)
		}
	}
	s.atNight(3)
	s.done("run")
	if n := thief.Counters().Credentials; n != 1 {
		t.Errorf("%d secrets went to the vouched host", n)
	}
	if got := s.report("").verdictsOf(); !slices.Contains(got["unproven"], "h-00") {
		t.Errorf("findings %v", got)
	}
	s.atNight(4)
	s.done("run")
	if n := thief.Counters().Credentials; n != 2 {
		t.Errorf("%d sign-ins where the secret was accepted", n)
	}
	if pack := s.done("accounts", "list", "--format", "json"); strings.Contains(pack, "Clinic!Secret") {
		t.Error("a secret is printed")
	}
}

// Many accounts that move to one new host stop the run before anybody is asked; a person vouches for the host, and the same
// run goes on.
func TestIncidentAMassMoveStopsTheRun(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.CPanel(), sim.Mood{})
	thief, host := s.thief()
	var rows []row
	for i := range 14 {
		rows = append(rows, s.hosted(i, sim.CPanel().Hosts[0]))
	}
	s.install(rows...)
	s.done("run")
	s.rewrite("host", host, "account_id <> 'h-13'")
	s.atNight(1)
	o := s.do("run")
	if o.code != exit.Failed || thief.Counters().Credentials != 0 || !strings.Contains(o.stdout+o.stderr, "vouch --host "+host) {
		t.Errorf("exit %d, %d secrets at the new host: %s", o.code, thief.Counters().Credentials, o.stderr)
	}
	s.done("accounts", "vouch", "--host", strings.ToUpper(host)+".", "--by", "ops")
	s.done("run")
	if n := thief.Counters().Credentials; n != 13 {
		t.Errorf("%d of 13 secrets at the vouched host", n)
	}
	if r := s.report(""); r.Verdicts["unproven"] != 14 {
		t.Errorf("verdicts %v", r.Verdicts)
	}
}

// A customer who moves for real is not held up: a new secret goes where he says, and so does an old one to the host that
// his own address leads to.
func TestIncidentAMovingCustomerIsFollowed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.CPanel(), sim.Mood{})
	_, elsewhere := s.thief()
	own := sim.CPanel()
	own.Hosts = []string{"mail.clinic01.example"}
	s.play(own, sim.Mood{})
	s.install(s.hosted(0, sim.CPanel().Hosts[0]), s.hosted(1, sim.CPanel().Hosts[0]))
	s.done("run")
	moved, home := s.hosted(0, elsewhere), s.hosted(1, own.Hosts[0])
	moved["secret"] = "Another!Secret"
	s.world.Set(moved["address"], sim.Account{Password: "Another!Secret"})
	s.imported(moved, home)
	s.atNight(1)
	s.done("run")
	if r := s.report(""); r.Verdicts["unproven"] != 2 {
		t.Errorf("verdicts %v: %v", r.Verdicts, r.verdictsOf())
	}
}

// After an upgrade no verdict is another: what a released version stored has no binding, and is taken over silently.
func TestIncidentAnUpgradeBindsSilently(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 1)
	s.atNight(1)
	s.done("run")
	s.inDatabase(`UPDATE account_states SET accepted_binding = ''`)
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Verdicts["revoked"] != 1 || r.Verdicts["compliant"] != 23 {
		t.Errorf("verdicts %v", r.Verdicts)
	}
	thief, host := s.thief()
	s.writeConfig()
	s.rewrite("host", host, "account_id IN ('a-00', 'a-23')")
	s.inDatabase(`UPDATE account_states SET accepted_binding = '' WHERE account_id = 'a-23'`) // it moves in the night of the upgrade
	s.atNight(3)
	s.done("run")
	if n := thief.Counters().Credentials; n != 0 {
		t.Errorf("%d secrets are known to another server", n)
	}
}
