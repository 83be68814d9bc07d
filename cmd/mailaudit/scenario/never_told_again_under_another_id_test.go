package scenario

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// renumbered gives a row another id, and changes nothing else of it.
func renumbered(r row) row {
	other := maps.Clone(r)
	other["account_id"] = "n" + r["account_id"]
	return other
}

// A product gives all its accounts other ids. Clinic T-00 has two mailboxes with one contact, one of which fails; the mailbox
// of T-05 is stored twice. Whoever was notified is not notified again, the past goes on under the new ids, and whose new id
// nobody can tell is an account that is new.
func TestAnAccountWhoseIDAloneHasChangedIsTheSame(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	var rows []row
	for i := range 12 {
		rows = append(rows, s.clinic(i, "gmail.com"))
	}
	rows[1]["tenant_id"], rows[1]["contact_email"] = rows[0]["tenant_id"], rows[0]["contact_email"]
	twice := maps.Clone(rows[5])
	twice["account_id"] = "a-05-again"
	rows = append(rows, twice)
	s.install(rows...)
	s.done("run", "--key", "n1")
	s.revoke(0, 1)
	s.revoke(7, 9)
	s.atNight(1)
	s.done("run", "--key", "n2")
	told := s.recipients()
	if len(told) != 3 {
		t.Fatalf("told %v", told)
	}
	before := s.done("report", "n2", "--format", "csv")

	var other []row
	for _, r := range rows {
		other = append(other, renumbered(r))
	}
	s.settings["guard"] = `{max_source_loss: 20%}` // two of the 13 cannot be told apart
	s.need(os.WriteFile(s.path("accounts.csv"), []byte(csvOf(other...)), 0o600))
	s.done("accounts", "import", "--replace", s.path("accounts.csv"))
	s.atNight(2)
	s.done("run", "--key", "n3")
	r := s.report("n3")
	if r.Run.Renumbered != 11 || r.Run.Accounts != 13 || r.Changes.NewlyFailing != 0 || r.Changes.StillFailing != 3 {
		t.Errorf("run %+v, changes %+v", r.Run, r.Changes)
	}
	if got := s.recipients(); len(s.relay.Messages()) != 3 || !slices.Equal(got, told) {
		t.Errorf("told %v, then %v", told, got)
	}
	if after := s.done("report", "n2", "--format", "csv"); after != before {
		t.Errorf("the report of the night before has changed:\n%s\n%s", before, after)
	}
	if text := s.done("explain", "na-00"); !strings.Contains(text, "n2") || !strings.Contains(text, "M-") {
		t.Errorf("explain: %s", text)
	}
	if o := s.do("run", "--changed"); o.code != exit.Done || !strings.Contains(o.stdout, "0 ") {
		t.Errorf("run --changed: %+v", o)
	}
	s.restore(0, 1)
	s.settings["recheck_refused"] = "1h"
	s.atNight(3)
	s.done("run", "--key", "n4")
	if n := len(s.relay.Messages()); n != 4 {
		t.Errorf("%d mails, the fourth tells that it works again", n)
	}
}

// An account that leaves the source and comes back within the retention with the same finding: its customer has had the
// first notice, and gets the next one when it is due.
func TestWhatWasSaidOutlivesAnAccountThatWasGone(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 1)
	s.atNight(1)
	s.done("run")
	if n := len(s.relay.Messages()); n != 1 {
		t.Fatalf("%d mails", n)
	}
	s.done("accounts", "remove", "a-00")
	s.atNight(2)
	s.done("run")
	s.imported(s.clinic(0, "gmail.com"))
	s.revoke(0, 1)
	s.atNight(3)
	s.done("run")
	if n := len(s.relay.Messages()); n != 1 {
		t.Errorf("%d mails, the first notice was sent before it left", n)
	}
	s.atNight(5)
	s.done("run")
	if all := s.notices(); len(all) != 2 || all[0].Kind != "reminder" {
		t.Errorf("notices %+v", all)
	}
}

// As many accounts come as go: the number is the same, and the accounts are not.
func TestIncidentSourceOfOthersStopsTheRun(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	for i := range 5 {
		s.done("accounts", "remove", fmt.Sprintf("a-%02d", i))
		s.imported(s.clinic(30+i, "gmail.com"))
	}
	s.atNight(1)
	s.fails(exit.Failed, "has lost 5 of the 24 mailboxes", "run")
	s.nothingMailed()
}
