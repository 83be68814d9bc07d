package oracle

import (
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

func TestNothingLeavesInShadowMode(t *testing.T) {
	for _, mode := range []string{"shadow", "off"} {
		s := refusedTwice(t)
		s.configure(func(c *observe.Configured) { c.Mode = mode })
		s.mail("finding", "a-1")
		s.evening()
		s.broken("mode", "M-1", mode)
	}
}

// A process keeps the configuration with which it was started.
func TestAProcessThatWasLiveGoesOnSending(t *testing.T) {
	s := refusedTwice(t)
	p := s.start("deliver")
	s.configure(func(c *observe.Configured) { c.Mode = "shadow" })
	s.sendBy(p, s.notice("finding", nil, "a-1"))
	s.end(p, 0)
	s.evening()
	s.fine()
}

func TestADatabaseOfAnotherInstallationMailsNothing(t *testing.T) {
	s := refusedTwice(t)
	s.configure(func(c *observe.Configured) { c.Installation = "a copy" })
	s.mail("finding", "a-1")
	s.evening()
	s.broken("installation", "a copy")
}

func TestTheKillSwitchStopsMails(t *testing.T) {
	s := refusedTwice(t)
	s.do("notices stop --by alice")
	s.at("2026-03-04 09:05")
	s.mail("finding", "a-1")
	s.db.Stopped = "alice"
	s.evening()
	s.broken("kill switch", "M-1")
}

func TestAMailInHandAtTheKillSwitchMayLeave(t *testing.T) {
	s := refusedTwice(t)
	p := s.start("deliver")
	s.do("notices stop --by alice")
	s.sendBy(p, s.notice("finding", nil, "a-1"))
	s.end(p, 0)
	s.db.Stopped = "alice"
	s.evening()
	s.fine()
}

func TestMailsLeaveAfterTheSwitchIsOnAgain(t *testing.T) {
	s := refusedTwice(t)
	s.do("notices stop --by alice")
	s.at("2026-03-04 10:00")
	s.do("notices start --by alice")
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

func TestAMutedTenantIsMailedNothing(t *testing.T) {
	s := refusedTwice(t)
	s.do("notices snooze --tenant T-1 --until 2026-03-10 --by carol")
	s.at("2026-03-04 09:05")
	s.mail("finding", "a-1")
	s.db.Snoozes = []observe.SnoozeRow{{Tenant: "T-1", Until: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)}}
	s.evening()
	s.broken("snoozed", "M-1", "T-1")
}

func TestATenantThatIsMutedNoMoreIsMailed(t *testing.T) {
	s := refusedTwice(t)
	s.do("notices snooze --tenant T-1 --until 2026-03-10 --by carol")
	s.do("notices snooze --tenant T-2 --until 2026-03-10 --by carol")
	s.at("2026-03-04 09:05")
	s.do("notices unsnooze --tenant T-1")
	s.mail("finding", "a-1")
	s.db.Snoozes = []observe.SnoozeRow{{Tenant: "T-2", Until: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)}}
	s.evening()
	s.fine()
}

func TestAPilotLeavesOthersOut(t *testing.T) {
	for _, only := range []func(*observe.Configured){
		func(c *observe.Configured) { c.OnlyTenants = []string{"T-2"} },
		func(c *observe.Configured) { c.OnlyProviders = []string{"apple"} },
		func(c *observe.Configured) { c.OnlyVerdicts = []string{"account_blocked"} },
	} {
		s := refusedTwice(t)
		s.configure(only)
		s.mail("finding", "a-1")
		s.evening()
		s.broken("pilot", "M-1")
	}
	s := refusedTwice(t)
	s.configure(func(c *observe.Configured) { c.OnlyTenants, c.OnlyVerdicts = []string{"T-1"}, []string{"revoked"} })
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

func TestMailsLeaveInTheTenantsHours(t *testing.T) {
	hours := func(c *observe.Configured) { c.SendBetween = "Mon-Fri 09:00-16:00" }
	for zone, open := range map[string]bool{"": true, "Europe/Berlin": true, "America/New_York": false, "Mars/Olympus": true} {
		s := refusedTwice(t, func(s *tale) { s.account("a-1", func(a *observe.AccountIs) { a.TimeZone = zone }) })
		s.configure(hours)
		s.mail("finding", "a-1") // at 09:00 UTC on a Wednesday
		s.evening()
		if open {
			s.fine()
		} else {
			s.broken("send_between", "Wed 04:00")
		}
	}
	s := refusedTwice(t)
	s.configure(hours)
	id := s.notice("finding", nil, "a-1")
	s.evening()
	s.exit = 1 // for it is overdue
	for _, d := range []string{"05", "06", "07"} {
		s.at("2026-03-" + d + " 02:15")
		s.run("later-" + d)
		if d != "07" {
			s.evening()
		}
	}
	s.at("2026-03-07 10:00")
	s.send(id)
	s.evening()
	s.broken("send_between", "Sat 10:00")
}

func TestSlackHasTheSummaryFirst(t *testing.T) {
	s := refusedTwice(t)
	s.exit = 1 // for it is owed
	s.run("by-day", func(r *observe.RunRow) { r.PostedAt = time.Time{} })
	s.mail("finding", "a-1")
	s.evening()
	s.broken("Slack first", "by-day")

	s = refusedTwice(t)
	s.exit = 1
	s.run("by-day", func(r *observe.RunRow) { r.PostedAt = time.Time{} })
	s.at("2026-03-04 21:01")
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

func TestWindowsAreRead(t *testing.T) {
	for _, c := range []struct {
		window, when string
		open         bool
	}{
		{"Mon-Fri 09:00-16:00", "2026-03-06 15:59", true},
		{"Mon-Fri 09:00-16:00", "2026-03-06 16:00", false},
		{"Mon-Fri 09:00-16:00", "2026-03-07 10:00", false},
		{"Sat 10:00-11:00", "2026-03-07 10:00", true},
		{"Sat-Mon 10:00-11:00", "2026-03-08 10:59", true},
		{"Sat-Mon 10:00-11:00", "2026-03-10 10:59", false},
	} {
		when, _ := time.Parse("2006-01-02 15:04", c.when)
		if within(c.window, when) != c.open {
			t.Errorf("%s at %s: open %t", c.window, c.when, !c.open)
		}
	}
}
