package scenario

import (
	"fmt"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

// spellings are ways to write one Gmail mailbox.
func spellings(local string) []string {
	return []string{local + "@gmail.com", strings.ToUpper(local) + "@gmail.com", local[:3] + "." + local[3:] + "@gmail.com",
		local + "+desk@gmail.com", local + "@googlemail.com", strings.ToUpper(local[:1]) + local[1:] + "@GMAIL.com"}
}

// Who stores a customer's mailbox with many guesses, in many spellings, under ids that come first, does not learn which
// guess is right, locks no mailbox, and does not keep the customer's own secret from being asked.
func TestIncidentNobodyGuessesAtAnothersMailbox(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	s.settings["guard"] = `{min_new_failures: 1000}`
	s.writeConfig()
	var rows []row
	guesses := 0
	for i := range 8 {
		for j, login := range spellings("front00") {
			guess := fmt.Sprintf("guess%011d", guesses)
			if i == 7 && j == 0 {
				guess = clinicSecret // the right one, spelled as its owner spells it: nobody need be asked to know
			}
			rows = append(rows, row{"account_id": fmt.Sprintf("%s-%02d-%d", map[bool]string{true: "0", false: "z"}[i < 6], i, j), "tenant_id": "T-evil", "address": "x@evil.example",
				"username": login, "secret": guess, "host": "smtp.gmail.com", "port": "465", "contact_email": "x@evil.example"})
			guesses++
		}
	}
	s.imported(rows...)
	s.revoke(1, 2)
	s.atNight(1)
	before := google.Counters().Credentials
	s.done("run")
	if asked := google.Counters().Credentials - before; asked > 20+3 {
		t.Errorf("%d conversations for 20 mailboxes, of which one was guessed at", asked)
	}
	got := s.report("").verdictsOf()
	if len(got["unverified"]) < guesses-2 || len(got["revoked"]) != 1 {
		t.Errorf("findings %v", got)
	}
	for _, args := range [][]string{{"check", "0-03-0"}, {"check", "z-07-0"}, {"run", "--key", "again", "--tenant", "T-evil"}, {"check", "z-07-0"}} {
		s.done(args...)
	}
	judged := 0
	for _, verdict := range []string{"invalid", "compliant", "revoked"} {
		judged += strings.Count(s.done("accounts", "list", "--format", "csv", "--tenant", "T-evil", "--verdict", verdict), "T-evil")
	}
	if judged > 3 {
		t.Errorf("the verdicts tell of %d guesses of one day whether they are right", judged)
	}
	if r := s.report(""); strings.Contains(fmt.Sprint(r.verdictsOf()["unverified"]), "a-00") {
		t.Error("the mailbox's owner was not asked")
	}

	// The owner's word is heard on the day of the guesses, too: his own account was accepted before.
	s.revoke(0, 1)
	s.atNight(2)
	s.done("run")
	if got := s.report("").verdictsOf(); !strings.Contains(fmt.Sprint(got["revoked"]), "a-00") {
		t.Errorf("the owner's revoked password is not seen: %v", got)
	}
}

// However a mailbox is stored, by whomever, one secret is tried there no more often than attempts_per_day; another
// secret that a second clinic stores for it is asked all the same.
func TestIncidentManySpellingsAreOneMailbox(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	var rows []row
	for i, login := range spellings("front05") {
		rows = append(rows, row{"account_id": fmt.Sprintf("0-%d", i), "tenant_id": fmt.Sprintf("T-spell-%d", i), "address": login, "secret": "oldoldoldoldoldo",
			"host": []string{"smtp.gmail.com", "", "smtp.googlemail.com"}[i%3], "port": []string{"465", "587", "0"}[i%3]})
	}
	rows = append(rows, row{"account_id": "z-1", "tenant_id": "T-other", "address": "front05@gmail.com", "secret": "newnewnewnewnewn"})
	s.imported(rows...)
	s.world.Change("front05@gmail.com", func(a *sim.Account) { a.AppPasswords = []string{clinicSecret, "newnewnewnewnewn"} })
	s.atNight(1)
	before := google.Counters().Credentials
	s.done("run")
	s.done("run", "--key", "again")
	if asked := google.Counters().Credentials - before - 2*20; asked > 2+2 {
		t.Errorf("%d conversations beside those of the other mailboxes", asked)
	}
	if got := s.report("").verdictsOf(); strings.Contains(fmt.Sprint(got["unverified"]), "z-1") || strings.Contains(fmt.Sprint(got), "a-05") {
		t.Errorf("findings %v", got)
	}
}
