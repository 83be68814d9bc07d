package scenario

import (
	"database/sql"
	"io"
	"net"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// A provider that could not be reached before the night, and comes back in it, is not believed that night.
func TestIncidentProviderThatComesBackIsNotBelieved(t *testing.T) {
	t.Parallel()
	s, _, yahoo := clinicBase(t)
	s.embedded()
	closed, err := net.Listen("tcp", "127.0.0.2:0") // no other test takes this port meanwhile
	s.need(err)
	address := closed.Addr().String()
	s.need(closed.Close())
	s.settings["retry_after"] = "3s"
	for _, host := range sim.Yahoo().Hosts {
		s.places[host+":465"] = address
	}
	s.world.Change("front20@yahoo.com", func(a *sim.Account) { a.AppPasswords = nil })
	s.atNight(1)
	asked := yahoo.Counters().Credentials
	go func() {
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if s.planned("preflight") {
				break
			}
		}
		forward(t, address, yahoo.TLSAddr())
	}()
	s.done("run", "--key", "back")
	if n := yahoo.Counters().Credentials - asked; n != 4 {
		t.Fatalf("%d of 4 were asked once it was back", n)
	}
	if got := s.report("").verdictsOf(); len(got["unverified"]) != 4 {
		t.Errorf("findings %v", got)
	}
	s.nothingMailed()
}

// planned reports whether the run "back" has noted a fact.
func (s *scene) planned(fact string) (noted bool) {
	db, err := sql.Open("sqlite", s.path("mailaudit.db"))
	if err != nil {
		return false
	}
	defer db.Close()
	err = db.QueryRow(`SELECT count(*) > 0 FROM run_facts WHERE run_key = 'back' AND name = ?`, fact).Scan(&noted)
	return err == nil && noted
}

// forward hands connections on until the test ends.
func forward(t *testing.T, from, to string) {
	l, err := net.Listen("tcp", from)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { l.Close() })
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer out.Close()
			go io.Copy(out, in)
			io.Copy(in, out)
		}()
	}
}
