package scenario

import (
	"os"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/exit"
)

// Restored from a backup, the database does not know the mails that were sent since. The runbook's way: mails are
// stopped, the next run writes those anew, and what the relay's log shows as sent counts as told.
func TestRestoredNobodyIsToldTwice(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 8)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, remind_after: [72h]}`
	s.done("run")
	s.inDatabase(`VACUUM INTO ?`, s.path("backup.db"))
	s.refuse(0, 1)
	s.atNight(1)
	s.done("run")
	first := []string{gmailContact(0), gmailContact(1)}
	s.mailedTo(first...)

	os.Remove(s.path("mailaudit.db-wal"))
	os.Remove(s.path("mailaudit.db-shm"))
	s.need(os.Rename(s.path("backup.db"), s.path("mailaudit.db")))
	s.refuse(2)
	s.atNight(2)
	s.done("notices", "stop", "--by", "dana")
	s.done("run")
	told := []string{"notices", "told", "--by", "dana", "--why", "restored"}
	for _, n := range s.notices("--state", "queued") {
		if n.Tenant != "T-2" {
			told = append(told, n.Notice)
		}
	}
	if len(told) != 6+2 {
		t.Fatalf("%q", told)
	}
	s.fails(exit.Usage, `"17"`, "notices", "told", "17", "--by", "dana")
	s.fails(exit.Failed, "no notice M-4821", "notices", "told", "M-4821", "--by", "dana")
	s.done(told...)
	s.fails(exit.Failed, "it is sent", told...)
	s.done("notices", "start", "--by", "dana")
	s.done("deliver")
	all := append(first, gmailContact(2))
	s.mailedTo(all...)

	s.atNight(3)
	s.done("run")
	s.mailedTo(all...)
	s.atNight(5) // remind_after counts from the word that they were told
	s.clock.Set(s.clock.Now().Add(time.Hour))
	s.done("run")
	s.mailedTo(append(all, all...)...)
}
