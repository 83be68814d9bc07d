package oracle

import (
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

// held is the day on which run "two" held a notice for a-1.
func held(t *testing.T) (s *tale, id int64) {
	s = begin(t)
	s.configure(func(c *observe.Configured) { c.MinNewFailures, c.MaxNewFailures = 0, 0 })
	s.at("2026-03-02 02:15")
	s.run("one")
	s.evening()
	s.at("2026-03-03 02:00")
	s.says(s.accounts["a-1"], "needs-app-password")
	s.at("2026-03-03 02:15")
	s.run("two", holds)
	s.db.Holds = []observe.HoldRow{{Run: "two", Provider: "google", State: "open", OpenedAt: s.ob.Shown}}
	id = s.notice("finding", func(n *observe.NoticeRow) { n.Hold, n.State = "two", "held" }, "a-1")
	s.at("2026-03-03 09:00")
	return s, id
}

func TestAHoldNeverSends(t *testing.T) {
	s, id := held(t)
	s.send(id)
	s.evening()
	s.broken("held", "M-1", "two")

	s, id = held(t)
	s.do("notices discard --run two --provider google --by bob")
	s.db.Holds[0].State = "discarded"
	s.send(id)
	s.evening()
	s.broken("held", "nobody released")

	s, id = held(t)
	s.db.Notices[id-1].State = "queued"
	s.evening()
	s.broken("held", `"queued"`)
}

func TestARunThatHoldsAProviderMailsNothingOfIt(t *testing.T) {
	s, _ := held(t)
	s.send(s.notice("finding", nil, "a-1"))
	s.evening()
	s.broken("held", "run two held google")
}

func TestAReleasedHoldSends(t *testing.T) {
	s, id := held(t)
	s.do("notices release --run=two --provider=google --by alice")
	s.db.Holds[0].State, s.db.Holds[0].DecidedBy = "released", "alice"
	s.send(id)
	s.evening()
	s.fine()
}

func TestNothingStaysHeldByAHoldThatEnded(t *testing.T) {
	s, _ := held(t)
	s.do("notices discard --run two --provider google --by bob")
	s.db.Holds[0].State = "discarded"
	s.evening()
	s.at("2026-03-04 02:15")
	s.run("three")
	s.evening()
	s.broken("held", "still held")
}

func TestAHoldNeverLapses(t *testing.T) {
	s, _ := held(t)
	s.evening()
	s.at("2026-03-04 02:15")
	s.run("three", holds)
	s.db.Holds[0].State = "ended"
	s.db.Notices[0].State = "suppressed"
	s.evening()
	s.broken("hold", "nobody decided", "a-1")

	s, _ = held(t)
	s.evening()
	s.at("2026-03-04 02:15")
	s.run("three", holds)
	s.db.Holds, s.db.Notices[0].State = nil, "suppressed"
	s.evening()
	s.broken("hold", "has disappeared")
}

func TestAHoldEndsWhenEverybodyWasAccepted(t *testing.T) {
	s, _ := held(t)
	s.evening()
	s.at("2026-03-04 02:00")
	s.says(s.accounts["a-1"], "accepted")
	s.at("2026-03-04 02:15")
	s.run("three")
	s.db.Holds[0].State, s.db.Notices[0].State = "ended", "suppressed"
	s.evening()
	s.fine()
}
