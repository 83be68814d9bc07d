package scenario

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mailaudit/providers/sim"
)

const (
	eventSecret    = "whsec_ZXZlbnQtc2VjcmV0LW9mLTI0LWJ5dGVz"
	eventSecretOld = "whsec_b2xkLWV2ZW50LXNlY3JldC0yNC1ieXRlcw=="
)

// product takes events, or does not.
type product struct {
	*httptest.Server
	refuse atomic.Int32 // so many more are answered with a redirect
	mu     sync.Mutex
	tries  []taken
}

// taken is an event as it arrived.
type taken struct {
	id, kind string
	ok       bool
	data     map[string]any
	at       time.Time
}

func startProduct(t *testing.T) *product {
	p := &product{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for _, secret := range []string{eventSecret, eventSecretOld} {
			verifier, err := standard.NewWebhook(secret)
			if err == nil {
				err = verifier.Verify(body, r.Header)
			}
			if err != nil {
				t.Errorf("signature: %v", err)
			}
		}
		for _, word := range []string{"@", "5.7.8", clinicSecret, "whsec"} {
			if strings.Contains(string(body), word) {
				t.Errorf("an event has %q in it: %s", word, body)
			}
		}
		var e struct {
			Type      string
			Timestamp time.Time
			Data      map[string]any
		}
		if err := json.Unmarshal(body, &e); err != nil || e.Timestamp.IsZero() {
			t.Errorf("event %s: %v", body, err)
		}
		one := taken{r.Header.Get("webhook-id"), e.Type, p.refuse.Add(-1) < 0, e.Data, time.Now()}
		p.mu.Lock()
		p.tries = append(p.tries, one)
		p.mu.Unlock()
		if !one.ok {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// heard are the tries of an account's events.
func (p *product) heard(account string) (all []taken) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.tries {
		if e.data["account_id"] == account {
			all = append(all, e)
		}
	}
	return all
}

func (p *product) kinds() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.tries {
		all = append(all, e.kind)
	}
	return all
}

// A mailbox fails and is repaired while the product's receiver is away: both events arrive, in order, the repeated one under its
// id; a hold that opens and is discarded is told, and nobody in it is; what was not taken for three days is dead, and replayed.
func TestTheProductIsTold(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	to := startProduct(t)
	s.settings["network"] = inYAML(map[string]any{"tls_ca": s.path("ca.pem"), "ehlo": "audit.product.example", "timeout": "5s", "connect_to": s.places, "allow_private": true})
	s.settings["events"] = inYAML(map[string]any{"url": to.URL + "/hooks", "secret": eventSecret + " " + eventSecretOld})
	s.settings["watch"] = "200ms"
	s.revoke(0, 1)
	s.atNight(1)
	s.done("run")
	to.refuse.Store(1)
	v := s.serves(1, 9*time.Hour)
	within(t, "the failing account is told, and not taken", func() bool { return len(to.heard("a-00")) == 1 })
	s.world.Set("front00@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"nextnextnextnext"}, TwoFactor: true})
	repaired := s.sameRow(0)
	repaired["secret"] = "nextnextnextnext"
	s.imported(repaired)
	within(t, "the account recovered", func() bool { return len(to.heard("a-00")) == 3 })
	got := to.heard("a-00")
	if got[0].kind != "account.failing" || got[0].ok || got[1].kind != "account.failing" || got[1].id != got[0].id || !got[1].ok ||
		got[2].kind != "account.recovered" || got[2].id == got[0].id || got[1].data["verdict"] != "revoked" || got[2].data["verdict"] != "compliant" || got[1].data["shadow"] != nil {
		t.Errorf("events of a-00: %+v", got)
	}

	s.revoke(1, 16)
	v.at(2, quarterPastTwo-time.Second)
	within(t, "the hold and the run are told", func() bool {
		return slices.Contains(to.kinds(), "hold.opened") && slices.Contains(to.kinds(), "run.concluded")
	})
	s.atNight(2)
	if o := s.do("notices", "discard", "--run", nightOf(2), "--provider", "google", "--by", "ann"); o.code != 0 {
		t.Fatalf("discard: %s", o.stderr)
	}
	to.refuse.Store(100)
	within(t, "the decision is told", func() bool { return slices.Contains(to.kinds(), "hold.decided") })
	if told := to.heard("a-05"); len(told) != 0 {
		t.Errorf("an account in a hold is told of: %+v", told)
	}

	v.at(5, 9*time.Hour)
	var dead []struct{ ID, Type, State string }
	within(t, "what is not taken for three days is dead", func() bool {
		s.need(json.Unmarshal([]byte(s.done("events", "list", "--state", "dead", "--format", "json")), &dead))
		return slices.ContainsFunc(dead, func(e struct{ ID, Type, State string }) bool { return e.Type == "hold.decided" })
	})
	if text := s.done("events", "list"); !strings.Contains(text, "dead") || !strings.Contains(text, "answered 307") {
		t.Errorf("the list: %s", text)
	}
	to.refuse.Store(0)
	s.atNight(5)
	s.clock.Set(sceneStart().AddDate(0, 0, 5).Add(9 * time.Hour))
	s.done("events", "replay", "--dead")
	within(t, "the dead one is taken", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return slices.ContainsFunc(to.tries, func(e taken) bool { return e.ok && e.kind == "hold.decided" })
	})
	if o := s.do("events", "replay"); o.code != 2 {
		t.Errorf("replay of nothing: exit %d", o.code)
	}
	if o := s.do("events", "replay", "evt_unknown"); o.code != 1 {
		t.Errorf("replay of an unknown one: exit %d", o.code)
	}
	for _, secret := range []string{eventSecret, eventSecretOld, to.URL} {
		if strings.Contains(v.said.String(), secret) {
			t.Error("the log has a secret or the receiver's address in it")
		}
	}
}
