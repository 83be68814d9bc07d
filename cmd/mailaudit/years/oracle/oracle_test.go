package oracle

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

var _ observe.Watcher = (*Oracle)(nil)

// A rule that no test has seen broken may be one that never speaks.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, r := range New().rules {
		if code == 0 && flag.Lookup("test.run").Value.String() == "" && !seenBroken[r.name] {
			fmt.Printf("no test has seen the rule %q broken\n", r.name)
			code = 1
		}
	}
	os.Exit(code)
}

// A finding's whole life, as it should be.
func TestAFindingsLifeBreaksNoPromise(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.run("one")
	s.evening()
	s.at("2026-03-03 02:00")
	s.breaks("a-1")
	s.at("2026-03-03 02:15")
	s.run("two")
	s.evening()
	s.at("2026-03-04 02:15")
	s.run("three")
	s.at("2026-03-04 09:00")
	s.mail("finding", "a-1")
	s.evening()
	for _, d := range []string{"05", "06", "07"} {
		s.at("2026-03-" + d + " 09:30")
		s.run("four-" + d)
		if d == "07" {
			s.mail("reminder", "a-1")
		}
		s.evening()
	}
	s.at("2026-03-08 01:00")
	s.account("a-1", func(a *observe.AccountIs) { a.Secret = "s-1b" })
	s.at("2026-03-08 02:15")
	s.run("five")
	s.at("2026-03-08 09:00")
	s.mail("recovered", "a-1")
	s.evening()
	s.calm()
	s.fine()
}
