package years

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/years/observe"
)

// World is all that lies outside the program: customers, their product, providers, relay, Slack and the clocks.
// It is touched by one call at a time, see [turns].
type World struct {
	seed    uint64
	rows    map[string]*row // what the product holds, by account id
	boxes   map[string]*box // mailboxes by login
	tenants []*tenant
	gone    []*row // who left, and may come back
	made    int    // rows so far: their ids are never used again
	secrets map[string]observe.SecretID

	providers map[string]*mood
	client    map[string]bool // OAuth clients that are refused, by provider
	closed    bool            // no way out
	source    observe.SourceIs
	relay     string // its mood
	bouncing  map[string]bool
	slack     slackModel
	ends      map[string]time.Time // when what is amiss with relay, Slack and the rest passes, by the event that ends it
	offset    atomic.Int64         // of the program's clocks
	store     audit.Store
	seal      func(accountID, secret string) ([]byte, error)
	open      func(accountID string, sealed []byte) (string, error)
	settings  Settings

	stage    *Stage
	night    int
	observed int
	watch    observe.Watcher
	found    []observe.Violation
	cover    *Coverage
	tell     func(observe.Observation)
	bear     func(observe.Violation) bool
	keep     bool // observations, for the differential
	kept     []observe.Observation
	asked    map[string]int
	sorted   []string // logins
}

// row is a row of the product's table.
type row struct {
	account audit.Account
	secret  string
	own     bool // not usable: what is stored is no secret
	box     *box
	tenant  *tenant
}

// tenant is a customer.
type tenant struct {
	id, name, locale, zone string
	contact, contactName   string
	rows                   []*row
}

// observe tells the watcher what happened. p is nil where no process caused it.
func (w *World) observe(p *Process, what observe.What) {
	w.observed++
	o := observe.Observation{N: w.observed, At: time.Now().UTC(), Shown: w.Now().UTC(), Night: w.night, What: what}
	if p != nil {
		o.Process = p.N
	}
	w.cover.see(w, what)
	w.stage.tell(o)
	if w.tell != nil {
		w.tell(o)
	}
	if w.keep {
		w.kept = append(w.kept, o)
	}
	if w.watch != nil {
		for _, v := range w.watch.Watch(o) {
			w.report(v)
		}
	}
}

// report takes a violation up, unless it is borne with.
func (w *World) report(v observe.Violation) {
	w.cover.Add("violation " + v.Rule)
	if w.bear != nil && w.bear(v) {
		return
	}
	w.found = append(w.found, v)
}

// Now is what the clocks of the program's machines show.
func (w *World) Now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

// chance is a source of chance for one thing of the world, the same whatever else has happened.
func (w *World) chance(of ...any) *rand.Rand {
	h := w.seed
	for _, c := range []byte(fmt.Sprint(of...)) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(h, 0x9e3779b97f4a7c15))
}

// secretID names a secret.
func (w *World) secretID(secret string) observe.SecretID {
	id, known := w.secrets[secret]
	if !known {
		id = observe.SecretID(fmt.Sprintf("s%d", len(w.secrets)+1))
		w.secrets[secret] = id
		w.observe(nil, observe.SecretIs{ID: id, Text: secret})
	}
	return id
}

// tellRow observes a row as it is now.
func (w *World) tellRow(r *row) {
	a := r.account
	w.observe(nil, observe.AccountIs{
		ID: a.ID, Tenant: a.TenantID, TenantName: a.TenantName, Address: a.Address, Username: a.Username, Host: a.Host, Port: a.Port,
		Security: string(a.Security), Auth: string(a.Auth), Secret: w.secretID(r.secret), Contact: a.ContactEmail, ContactName: a.ContactName,
		Locale: a.Locale, TimeZone: a.TimeZone, Provider: r.box.provider, OwnData: r.own, LastSentOKAt: a.LastSentOKAt, Canary: w.canary(a.ID),
	})
}

// tellBox observes what the provider says to the secrets that are stored for a login.
func (w *World) tellBox(b *box) {
	says := map[observe.SecretID]string{}
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		if r := w.rows[id]; r.box == b {
			says[w.secretID(r.secret)] = b.meaning(r.secret, r.account.Auth == audit.AuthOAuth2)
		}
	}
	w.observe(nil, observe.MailboxIs{Provider: b.provider, Login: b.login, Says: says})
}

// put stores rows as the product would, and observes them.
func (w *World) put(rows ...*row) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := w.store.Import(context.Background(), false, func(put func(audit.Account, []byte) error) error {
		for _, r := range rows {
			sealed, err := w.seal(r.account.ID, r.secret)
			if err != nil {
				return err
			}
			if r.own {
				sealed = []byte("********")
			}
			if err := put(r.account, sealed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the product stores its accounts: %w", err)
	}
	for _, r := range rows {
		w.rows[r.account.ID] = r
		w.tellRow(r)
		w.tellBox(r.box)
	}
	return nil
}

// change alters a row as the product's screens do.
func (w *World) change(r *row, f func()) error {
	f()
	r.account.UpdatedAt = time.Now().UTC().Truncate(time.Microsecond)
	return w.put(r)
}

// remove takes a row out of the product.
func (w *World) remove(r *row) error {
	if err := w.store.Remove(context.Background(), r.account.ID); err != nil && !errors.Is(err, audit.ErrNoAccount) { // purged
		return fmt.Errorf("the product removes an account: %w", err)
	}
	delete(w.rows, r.account.ID)
	r.tenant.rows = slices.DeleteFunc(r.tenant.rows, func(other *row) bool { return other == r })
	w.gone = append(w.gone, r)
	w.observe(nil, observe.AccountGone{ID: r.account.ID})
	return nil
}

// any picks one of the rows, in the order of their ids.
func (w *World) any(pick *rand.Rand, of func(*row) bool) *row {
	var some []*row
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		if r := w.rows[id]; of == nil || of(r) {
			some = append(some, r)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[pick.IntN(len(some))]
}

func (w *World) canary(id string) string {
	if w.rows[id] != nil && strings.HasPrefix(id, "canary-") {
		return strings.TrimPrefix(id, "canary-")[:strings.IndexByte(strings.TrimPrefix(id, "canary-"), '-')]
	}
	return ""
}
