package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// nameService counts how often it is asked.
type nameService struct {
	asked atomic.Int64
	down  atomic.Bool
}

func (s *nameService) cache() *mxCache {
	return newMXCache(func(_ context.Context, domain string) ([]string, error) {
		s.asked.Add(1)
		if s.down.Load() {
			return nil, errors.New("timeout")
		}
		return []string{"mx." + domain}, nil
	})
}

func TestEachDomainIsLookedUpOnce(t *testing.T) {
	var s nameService
	c := s.cache()
	for range 3 {
		if hosts, err := c.Lookup(t.Context(), "clinic.example"); err != nil || len(hosts) != 1 || hosts[0] != "mx.clinic.example" {
			t.Fatalf("%v, %v", hosts, err)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestAFailedLookupIsAskedAgain(t *testing.T) {
	var s nameService
	c := s.cache()
	s.down.Store(true)
	if _, err := c.Lookup(t.Context(), "clinic.example"); err == nil {
		t.Fatal("no error")
	}
	s.down.Store(false)
	if _, err := c.Lookup(t.Context(), "clinic.example"); err != nil {
		t.Error(err)
	}
}

// A thousand accounts, each with a domain of its own, wait for a dead name service some dozens of times and not
// a thousand; once it is back they are looked up.
func TestADeadNameServiceIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s nameService
		c := s.cache()
		known, err := c.Lookup(t.Context(), "known.example")
		if err != nil {
			t.Fatal(err)
		}
		s.down.Store(true)
		for i := range 1000 {
			if _, err := c.Lookup(t.Context(), fmt.Sprintf("clinic%d.example", i)); err == nil {
				t.Fatal("no error")
			}
		}
		if n := s.asked.Load(); n > 1+mxPatience {
			t.Errorf("asked %d times", n)
		}
		if again, err := c.Lookup(t.Context(), "known.example"); err != nil || len(again) != len(known) {
			t.Errorf("what is known is not told: %v, %v", again, err)
		}
		s.down.Store(false)
		time.Sleep(mxPause)
		if _, err := c.Lookup(t.Context(), "clinic7.example"); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

func TestLookupsAreRememberedWithinBounds(t *testing.T) {
	var s nameService
	c := s.cache()
	for i := range mxKnown + 10 {
		if _, err := c.Lookup(t.Context(), fmt.Sprintf("clinic%d.example", i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.known); n > mxKnown {
		t.Errorf("%d domains are remembered", n)
	}
}

// Some domains' own name servers are always dead: that is not the service's fault.
func TestDeadDomainsAmongLivingOnesStopNothing(t *testing.T) {
	var s nameService
	c := s.cache()
	for i := range 4 * mxPatience {
		dead := i%4 != 0
		s.down.Store(dead)
		if _, err := c.Lookup(t.Context(), fmt.Sprintf("clinic%d.example", i)); errors.Is(err, errNoNameService) {
			t.Fatalf("lookup %d was not asked", i)
		}
	}
}
