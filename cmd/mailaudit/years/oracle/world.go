package oracle

import (
	"net/mail"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// grace is how long a process may go on with what it has just read: a mail in hand when the kill switch falls, a
// contact that changes while the mail is composed.
const grace = time.Minute

// moment is when something happened. n orders the stream, at is true, shown is what mailaudit's clocks said.
type moment struct {
	n              int
	at, shown      time.Time
	night, process int
}

func momentOf(o observe.Observation) moment {
	return moment{n: o.N, at: o.At, shown: o.Shown, night: o.Night, process: o.Process}
}

func (m moment) String() string { return stamp(m.shown) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// since is how long it is from an earlier moment to m, by the true clock or by the machines', whichever says less:
// nobody can be blamed for not knowing that a clock is wrong.
func (m moment) since(earlier moment) time.Duration {
	return min(m.at.Sub(earlier.at), m.shown.Sub(earlier.shown))
}

// timeline is what something was, and from when on.
type timeline[T any] struct{ spans []span[T] }

type span[T any] struct {
	from moment
	is   T
}

func (t *timeline[T]) set(m moment, is T) { t.spans = append(t.spans, span[T]{m, is}) }

// lately returns what was true at some moment of the time before m, the latest first.
func (t *timeline[T]) lately(m moment, before time.Duration) []T {
	var out []T
	for i := len(t.spans) - 1; i >= 0; i-- {
		s := t.spans[i]
		if s.from.n > m.n {
			continue
		}
		out = append(out, s.is)
		if !s.from.at.After(m.at.Add(-before)) {
			break
		}
	}
	return out
}

// at returns what was true at m; the zero value if nothing was known yet.
func (t *timeline[T]) at(m moment) (is T) {
	if all := t.lately(m, 0); len(all) > 0 {
		is = all[0]
	}
	return is
}

// forget drops what ended before a time.
func (t *timeline[T]) forget(before time.Time) {
	for len(t.spans) > 1 && t.spans[1].from.at.Before(before) {
		t.spans = t.spans[1:]
	}
}

// row is an account as the product holds it, or that it is gone.
type row struct {
	observe.AccountIs
	gone bool
}

// login is the name that is given to the server, in the form in which logins are compared.
func (r row) login() string {
	if r.Username != "" {
		return fold(r.Username)
	}
	return fold(r.Address)
}

// contact is the one address that may be mailed; "" if the row names none, two, or rubbish.
func (r row) contact() string {
	a, err := mail.ParseAddress(r.Contact)
	if err != nil {
		return ""
	}
	return fold(a.Address)
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// process is one life of mailaudit, with the configuration that it started with.
type process struct {
	config         observe.Configured
	command        *command
	ended, crashed bool
}

type mailbox struct{ provider, login string }

// world is the truth, and what was seen of mailaudit.
type world struct {
	now       moment
	config    timeline[observe.Configured]
	accounts  map[string]*timeline[row]
	alias     map[string]string                     // a renumbered account's new id: its first id
	renewed   map[observe.SecretID]observe.SecretID // a new refresh token: the one in whose place it came
	logins    map[string]map[string]bool            // by login: accounts that have it, or had it
	boxes     map[mailbox]*timeline[observe.MailboxIs]
	moods     map[string]*timeline[observe.Mood]
	source    timeline[string]
	relay     timeline[string]
	slack     timeline[string]
	jumped    moment // when a clock was last moved
	ended     bool   // the stream is: after days of calm
	processes map[int]*process
	verdicts  map[string]string            // what was last said of accounts
	previous  map[string]map[string]string // and before each run

	seen
}

func newWorld() *world {
	return &world{
		accounts: map[string]*timeline[row]{}, alias: map[string]string{}, renewed: map[observe.SecretID]observe.SecretID{}, logins: map[string]map[string]bool{},
		boxes: map[mailbox]*timeline[observe.MailboxIs]{}, moods: map[string]*timeline[observe.Mood]{},
		processes: map[int]*process{}, verdicts: map[string]string{}, previous: map[string]map[string]string{}, seen: newSeen(),
	}
}

// take keeps what an observation tells of the truth, and hands the rest to seen.
func (w *world) take(m moment, what observe.What) {
	w.now = m
	switch o := what.(type) {
	case observe.Configured:
		w.config.set(m, o)
	case observe.AccountIs:
		o.Secret = w.secret(o.Secret)
		r, id := row{AccountIs: o}, w.id(o.ID)
		at(w.accounts, id).set(m, r)
		if w.logins[r.login()] == nil {
			w.logins[r.login()] = map[string]bool{}
		}
		w.logins[r.login()][id] = true
	case observe.AccountGone:
		t := at(w.accounts, w.id(o.ID))
		last := t.at(m)
		last.gone = true
		t.set(m, last)
	case observe.AccountRenumbered:
		w.alias[o.New] = w.id(o.Old)
	case observe.MailboxIs:
		at(w.boxes, mailbox{o.Provider, o.Login}).set(m, o)
	case observe.ProviderIs:
		at(w.moods, o.Provider).set(m, o.Mood)
	case observe.SourceIs:
		w.source.set(m, o.Mood)
	case observe.RelayIs:
		w.relay.set(m, o.Mood)
	case observe.SlackIs:
		w.slack.set(m, o.Mood)
	case observe.ClockMoved:
		w.jumped = m
	case observe.SecretRenewed:
		w.renewed[o.New] = w.secret(o.Old)
	case observe.ProcessStarted:
		w.processes[m.process] = &process{config: w.config.at(m)}
	case observe.ProcessEnded, observe.Crashed:
		if p := w.processes[m.process]; p != nil {
			p.ended = true
			_, p.crashed = what.(observe.Crashed)
		}
	}
	w.observe(m, what)
}

// at returns m[k], made if it is missing.
func at[K comparable, V any](m map[K]*V, k K) *V {
	if m[k] == nil {
		m[k] = new(V)
	}
	return m[k]
}

// id is the one name of an account, whatever the product called it over the years.
func (w *world) id(id string) string {
	if first, ok := w.alias[id]; ok {
		return first
	}
	return id
}

// secret is the one name of a secret, however often the provider has renewed it.
func (w *world) secret(id observe.SecretID) observe.SecretID {
	if first, ok := w.renewed[id]; ok {
		return first
	}
	return id
}

// clockMoved reports whether mailaudit's clocks were moved lately.
func (w *world) clockMoved(lately time.Duration) bool {
	return w.jumped.n != 0 && w.night.m.at.Sub(w.jumped.at) < lately
}

// account returns what the product held of an account lately, the latest first; nothing if it never had it.
func (w *world) account(id string, m moment) []row {
	if t := w.accounts[w.id(id)]; t != nil {
		return t.lately(m, grace)
	}
	return nil
}

// configOf is what the process of m was started with.
func (w *world) configOf(m moment) observe.Configured {
	if p := w.processes[m.process]; p != nil {
		return p.config
	}
	return w.config.at(m)
}

// mood is a provider's at m.
func (w *world) mood(provider string, m moment) observe.Mood {
	if t := w.moods[provider]; t != nil && len(t.spans) > 0 {
		return t.at(m)
	}
	return observe.Well
}

// good reports whether a secret truly opened a mailbox all the time from since until m.
func (w *world) good(box mailbox, secret observe.SecretID, since time.Time, m moment) bool {
	t := w.boxes[box]
	if t == nil {
		return false
	}
	return all(t.lately(m, m.at.Sub(since)), func(b observe.MailboxIs) bool {
		for id, says := range b.Says {
			if says == "accepted" && w.secret(id) == secret {
				return true
			}
		}
		return false
	})
}
