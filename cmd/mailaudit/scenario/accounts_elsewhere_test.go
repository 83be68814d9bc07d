package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// Where accounts can be read from.
const (
	fromOwnTable  = "own table"
	fromRelation  = "relation"
	fromElsewhere = "other database"
)

// clinicOf is an account of a clinic in Bangkok, whose people read Spanish. At a scene's night it is 09:15 there.
func clinicOf(i int) row {
	return row{
		"account_id": fmt.Sprintf("a%d", i), "tenant_id": fmt.Sprintf("T-%d", i), "address": fmt.Sprintf("front%d@gmail.com", i),
		"secret": goodSecret, "contact_email": gmailContact(i), "contact_name": "Dr. Rossi", "locale": "es", "time_zone": "Asia/Bangkok",
	}
}

// decoyOf is what the program's own table says of the same account, where runs do not read it.
func decoyOf(i int) row {
	return row{
		"account_id": fmt.Sprintf("a%d", i), "tenant_id": "DECOY", "address": fmt.Sprintf("decoy%d@gmail.com", i),
		"secret": "decoydecoydecoyd", "contact_email": "decoy@clinic.example", "contact_name": "Dr. Decoy", "time_zone": "UTC",
	}
}

// livingIn has six accounts where from says, and decoys in the program's own table where that is elsewhere. add
// puts one more account there.
func livingIn(t *testing.T, from string) (s *scene, add func(i int)) {
	t.Helper()
	s = newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.accept(0, 1, 2, 3, 4, 5, 6)
	var rows, decoys []row
	for i := range 6 {
		rows, decoys = append(rows, clinicOf(i)), append(decoys, decoyOf(i))
	}
	add = func(i int) { s.imported(clinicOf(i)) }
	if from == fromOwnTable {
		s.install(rows...)
		return s, add
	}
	own, cluster := s.settings["database"], pgtest.Own(t)
	s.settings["database"] = cluster.URL("postgres", pgtest.Admin)
	s.install(append(rows, clinicOf(6))...) // which seals their secrets
	const copied = `account_id, tenant_id, address, secret, contact_email, contact_name, locale, time_zone FROM mailaudit.mail_accounts`
	cluster.Exec(t, "postgres", `CREATE SCHEMA app; CREATE TABLE app.boxes AS SELECT `+copied+` WHERE account_id <> 'a6';
		CREATE TABLE app.later AS SELECT `+copied+` WHERE account_id = 'a6'; DELETE FROM mailaudit.mail_accounts`)
	add = func(i int) {
		cluster.Exec(t, "postgres", fmt.Sprintf(`INSERT INTO app.boxes SELECT * FROM app.later WHERE account_id = 'a%d'`, i))
	}
	accounts := map[string]any{"relation": "app.boxes"}
	if from == fromElsewhere {
		accounts["database"], s.settings["database"] = s.settings["database"], own
	}
	s.imported(decoys...)
	s.settings["accounts"] = inYAML(accounts)
	return s, add
}

// Whatever an operator asks or decides, the program reads the accounts where its runs read them: it finds the
// same tenants, mails the same people by the same names, in their language and in their hours.
func TestOperatorsCommandsReadTheAccountsWhereRunsDo(t *testing.T) {
	t.Parallel()
	for _, from := range []string{fromOwnTable, fromRelation, fromElsewhere} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			s, add := livingIn(t, from)
			s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1}`
			until := sceneStart().AddDate(0, 0, 30).Format(time.DateOnly)
			night := func(n int, refused ...int) func() {
				return func() { s.atNight(n); s.refuse(refused...) }
			}
			for _, step := range []struct {
				before func()
				args   string
				says   string // each of its parts, which + separates
				not    string
				code   int
				mails  []int // to whose contacts the command has mails leave
			}{
				{args: "run --key first", says: "6 verified, 0 newly failing"},
				{args: "doctor", not: "FAIL+DECOY"},
				{args: "notices stop --by maria"},
				{before: night(1, 0, 1, 2), args: "run --key wrong", says: "3 newly failing"},
				{args: "report wrong --format csv", says: "T-0+T-5", not: "DECOY"},
				{args: "accounts list", says: "T-0+front0@gmail.com", not: "DECOY+decoy"},
				{args: "notices preview", says: "3 notices wait+Hola, Dr. Rossi:", not: "Hello+Decoy+would not go out"},
				{args: "explain a0", says: "stopped by maria", not: "hours"},
				{before: func() { add(6) }, args: "explain a6", says: "no run has verified it yet"},
				{args: "explain a7", code: exit.Failed},
				{args: "check a5", says: "T-5+verdict compliant"},
				{args: "keys status", says: " 7 seals new secrets"},
				{args: "notices snooze --by maria --tenant T-0 --until " + until, says: "T-0 is mailed nothing"},
				{args: "notices snooze --by maria --tenant DECOY --until " + until, code: exit.Failed, says: "has no account"},
				{args: "notices unsnooze --by maria --tenant T-0", says: "T-0 is mailed again"},
				{args: "notices bounced --by maria gone@clinic.example", says: "call list"},
				{args: "notices told --by maria M-3", says: "M-3 counts as sent"},
				{args: "notices start --by maria", says: "leave again"},
				{args: "deliver", mails: []int{0, 1}},
				{args: "notices correct --by maria --run wrong", says: "3 corrections are queued"},
				{args: "notices preview", says: "3 notices wait+Hola, Dr. Rossi:", not: "Hello+Decoy+would not go out"},
				{args: "deliver", mails: []int{0, 1, 2}},
				{before: func() {
					night(2, 3, 4)()
					s.accept(0, 1, 2)
					s.settings["guard"] = `{min_new_failures: 1}`
				}, args: "run --key held --exit-code", code: exit.Held},
				{args: "notices release --by maria --run held --provider google", says: "2 accounts re-checked+2 still failing: 2 mails"},
				{args: "deliver", mails: []int{3, 4}},
				{before: night(3, 5, 6), args: "run --key again --exit-code", code: exit.Held},
				{args: "notices discard --by maria --run again --provider google", says: "discarded"},
				{args: "deliver"},
				{args: "evidence --from 2000-01-01 --to 2099-01-01 --out " + s.path("pack.zip"), says: "4 runs"},
			} {
				if step.before != nil {
					step.before()
				}
				sent := len(s.relay.Messages())
				o := s.do(append([]string{"--log-level", "error"}, strings.Fields(step.args)...)...)
				said := strings.Join(strings.Fields(o.stdout+o.stderr), " ")
				if o.code != step.code {
					t.Errorf("%s: exit %d, want %d: %s", step.args, o.code, step.code, said)
				}
				for _, want := range strings.Split(step.says, "+") {
					if !strings.Contains(said, want) {
						t.Errorf("%s: does not say %q: %s", step.args, want, said)
					}
				}
				for _, word := range strings.Split(step.not, "+") {
					if step.not != "" && strings.Contains(said, word) {
						t.Errorf("%s: says %q: %s", step.args, word, said)
					}
				}
				s.mailedSince(sent, step.args, step.mails...)
			}
			s.leftClean()
		})
	}
}

// mailedSince checks to whose contacts mails have left, and that each was greeted as the accounts say.
func (s *scene) mailedSince(sent int, command string, accounts ...int) {
	s.t.Helper()
	var got, want []string
	for _, m := range s.relay.Messages()[sent:] {
		got = append(got, m.To...)
		if text := readLetter(s.t, m.Data).text; !strings.HasPrefix(text, "Hola, Dr. Rossi:") {
			s.t.Errorf("%s mails %v: %.80s", command, m.To, text)
		}
	}
	for _, i := range accounts {
		want = append(want, gmailContact(i))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.t.Errorf("%s mails %v, want %v", command, got, want)
	}
}

// What an operator needs in an emergency works whatever is wrong with keys, accounts, relay and Slack.
func TestMailsCanBeStoppedWhateverElseIsWrong(t *testing.T) {
	t.Parallel()
	s := heldScene(t)
	s.settings["keyset"] = "file:/nowhere/keyset.json"
	s.settings["fingerprint_key"] = "file:/nowhere/fingerprint.json"
	s.settings["accounts"] = `{database: "postgres://nobody@127.0.0.1:1/nothing", relation: app.boxes}`
	s.relay.Close()
	s.slack.Close()
	for _, args := range []string{
		"notices stop --by maria", "notices list", "report", "notices start --by maria", "notices bounced gone@clinic.example",
		"notices discard --by maria --run held --provider google",
	} {
		s.done(strings.Fields(args)...)
	}
	for args, says := range map[string]string{"run": "keyset", "deliver": "keyset", "check a0": "keyset", "explain a99": "accounts"} {
		if o := s.do(strings.Fields(args)...); o.code == exit.Done || !strings.Contains(o.stderr, says) {
			t.Errorf("%s: exit %d: %s", args, o.code, o.stderr)
		}
	}
}
