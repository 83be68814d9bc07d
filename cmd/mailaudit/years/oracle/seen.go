package oracle

import (
	"slices"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// seen is what was seen of mailaudit.
type seen struct {
	asked    map[string][]answer // by account, oldest first, the last of them
	commands []*command          // of the last weeks
	decided  map[holdKey][]*command
	switched timeline[switchState]
	mutes    map[string]*timeline[mute]
	posted   map[string]moment // when a run's summary first stood in the channel
	pending  []letter
	runs     map[string]observe.RunRow // as the database last said
	night    night
}

func newSeen() seen {
	return seen{asked: map[string][]answer{}, decided: map[holdKey][]*command{}, mutes: map[string]*timeline[mute]{},
		posted: map[string]moment{}, runs: map[string]observe.RunRow{}, night: night{forms: map[[2]string]observe.Shown{}}}
}

type holdKey struct{ run, provider string }

// answer is one conversation, with the mood that the provider was in.
type answer struct {
	moment
	observe.SignIn
	mood observe.Mood
	by   *command // nil where it is not known
}

// concerns reports whether the command at work on m asks for an account: another with the same login learns nothing of it.
func (w *world) concerns(m moment, id string) bool {
	p := w.processes[m.process]
	if p == nil || p.command == nil {
		return true
	}
	c := p.command
	if tenant, narrowed := c.flags["tenant"]; narrowed && c.name == "run" {
		return slices.ContainsFunc(w.account(id, m), func(r row) bool { return r.Tenant == tenant })
	}
	return c.name != "check" || len(c.Args) < 2 || w.id(c.Args[1]) == w.id(id)
}

// stays reports whether an answer is kept beyond its day: check and run --dry-run change nothing else.
func (w *world) stays(a answer) bool {
	c := a.by
	return c == nil || c.name != "check" && !c.has("dry-run")
}

// accepted reports whether the credential was taken, whatever the provider had to think of it.
func (a answer) accepted() bool {
	return a.Answer == observe.Accepted || a.Answer == observe.OfMood && strings.HasPrefix(a.Reply, "235")
}

// trulyRefused reports whether the provider refuses this credential while it is well.
func (a answer) trulyRefused() bool {
	return a.Answer == observe.Refused && a.Meaning != "too-many" && a.Meaning != "unavailable"
}

// refused reports whether an outsider would read a refusal of the credential: a true one, or one of a provider that
// refuses everyone in the words of a wrong password.
func (a answer) refused() bool {
	return a.trulyRefused() || a.Answer == observe.OfMood && a.mood == observe.Refusing && !a.OAuth && !a.accepted()
}

// clear reports whether the answer says something of the credential, rightly or wrongly.
func (a answer) clear() bool { return a.accepted() || a.refused() }

// command is a command line, of a person or of cron.
type command struct {
	observe.CommandBegan
	name         string // "run", "notices release"
	flags        map[string]string
	began, ended moment
	done         bool // it came to its end
	exit         int
}

// switches are the flags that take no value.
var switches = []string{"exit-code", "changed", "dry-run", "accept-source", "migrate", "replace"}

func commandOf(o observe.CommandBegan, m moment) *command {
	c := &command{CommandBegan: o, flags: map[string]string{}, began: m}
	var words []string
	for i := 0; i < len(o.Args); i++ {
		name, isFlag := strings.CutPrefix(o.Args[i], "--")
		if !isFlag {
			words = append(words, o.Args[i])
			continue
		}
		name, value, hasValue := strings.Cut(name, "=")
		if !hasValue && !slices.Contains(switches, name) && i+1 < len(o.Args) {
			i++
			value = o.Args[i]
		}
		c.flags[name] = value
	}
	if len(words) > 0 {
		c.name = words[0]
		if slices.Contains([]string{"notices", "accounts", "runs", "findings", "keys", "config", "rules", "events"}, words[0]) && len(words) > 1 {
			c.name += " " + words[1]
		}
	}
	return c
}

// works reports whether the command does a run's work or sends: what is owed comes further with each.
func (c *command) works() bool {
	_, dry := c.flags["dry-run"]
	_, changed := c.flags["changed"]
	return c.name == "deliver" || c.name == "run" && !dry && !changed
}

func (c *command) has(flag string) bool { _, ok := c.flags[flag]; return ok }

// switchState is the kill switch: whether mails may leave, as far as one can know.
type switchState struct{ stopped, sure bool }

// mute is a tenant's: nothing is mailed until a moment of mailaudit's clocks.
type mute struct {
	until time.Time
	sure  bool
}

// letter is a mail that was offered to the relay, and the notice that the database has for it.
type letter struct {
	moment
	observe.Mail
	row    observe.NoticeRow
	known  bool // row was found
	lost   bool // the relay's answer did not reach the process
	config observe.Configured
	by     *command
}

// handed reports whether the customer has the mail, or may have it.
func (l letter) handed() bool {
	return l.Answer == observe.RelayTook || l.Answer == observe.RelayNothing
}

// accuses reports whether the mail tells of a failure.
func (l letter) accuses() bool { return l.row.Kind == "finding" || l.row.Kind == "reminder" }

// byRun reports whether a run wrote the mail, rather than an operator or run --changed.
func (l letter) byRun() bool { return l.row.Run != "" }

func (l letter) String() string {
	return sprintf("%s M-%d to %s at %s", l.row.Kind, l.row.ID, l.row.Contact, l.moment)
}

// night is what the database and the commands that show something say after a world's night.
type night struct {
	m          moment
	db, before observe.Database
	read       bool
	forms      map[[2]string]observe.Shown // by form and subject
	runs       []string                    // that were worked on
}

// complete reports whether the night was shown whole, since what comes next is something else.
func (n *night) complete(next observe.What) bool {
	switch next.(type) {
	case observe.Database, observe.Shown, observe.ProcessStarted, observe.ProcessEnded:
		return false
	}
	return n.read
}

func (n *night) form(form, subject string) (observe.Shown, bool) {
	s, ok := n.forms[[2]string{form, subject}]
	return s, ok && s.Error == ""
}

// observe keeps what an observation tells of mailaudit.
func (w *world) observe(m moment, what observe.What) {
	switch o := what.(type) {
	case observe.SignIn:
		o.Secret = w.secret(o.Secret)
		a := answer{moment: m, SignIn: o, mood: w.mood(o.Provider, m)}
		if p := w.processes[m.process]; p != nil {
			a.by = p.command
		}
		for _, id := range w.heldBy(o, m) {
			if !w.concerns(m, id) {
				continue
			}
			w.asked[id] = append(w.asked[id], a)
			if over := len(w.asked[id]) - 30; over > 0 {
				w.asked[id] = w.asked[id][over:]
			}
		}
	case observe.CommandBegan:
		c := commandOf(o, m)
		w.commands = append(w.commands, c)
		if p := w.processes[m.process]; p != nil {
			p.command = c
		}
		w.began(m, c)
	case observe.CommandEnded:
		for _, c := range w.commands {
			if c.ID == o.ID && !c.done {
				c.done, c.exit, c.ended = true, o.Exit, m
				w.done(m, c)
			}
		}
	case observe.Mail:
		l := letter{moment: m, Mail: o, config: w.configOf(m)}
		if p := w.processes[m.process]; p != nil {
			l.by = p.command
		}
		w.pending = append(w.pending, l)
	case observe.CallFailed, observe.Crashed:
		if n := len(w.pending); n > 0 && w.pending[n-1].process == m.process && w.pending[n-1].n == m.n-1 {
			w.pending[n-1].lost = true
		}
	case observe.SlackCall:
		if _, is := w.posted[o.Run]; !is && o.Run != "" && o.Arrived && !o.Thread {
			w.posted[o.Run] = m
		}
	case observe.NightEnded:
		w.night.runs = o.Runs
	case observe.Database:
		w.night.before, w.night.db, w.night.read, w.night.m = w.night.db, o, true, m
		w.night.forms = map[[2]string]observe.Shown{}
		for _, r := range o.Runs {
			w.runs[r.Key] = r
		}
		w.switched.set(m, switchState{o.Stopped != "", true})
		w.takeMutes(m, o.Snoozes)
	case observe.Shown:
		w.night.forms[[2]string{o.Form, o.Subject}] = o
	}
}

// began and done keep what operators decide. Between the two nothing is sure.
func (w *world) began(m moment, c *command) {
	switch c.name {
	case "notices stop", "notices start":
		w.switched.set(m, switchState{})
	case "notices snooze", "notices unsnooze":
		at(w.mutes, c.flags["tenant"]).set(m, mute{})
	case "notices release", "notices discard":
		k := holdKey{c.flags["run"], c.flags["provider"]}
		w.decided[k] = append(w.decided[k], c)
	}
}

func (w *world) done(m moment, c *command) {
	if c.exit != 0 {
		return // what it did shows in the database
	}
	switch c.name {
	case "notices stop", "notices start":
		w.switched.set(m, switchState{stopped: c.name == "notices stop", sure: true})
	case "notices snooze":
		if day, err := time.Parse(time.DateOnly, c.flags["until"]); err == nil {
			// Whose midnight is meant the papers leave open; the database will tell. Here, the first of the world.
			at(w.mutes, c.flags["tenant"]).set(m, mute{day.Add(-14 * time.Hour), true})
		}
	}
}

func (w *world) takeMutes(m moment, rows []observe.SnoozeRow) {
	until := map[string]time.Time{}
	for _, r := range rows {
		until[r.Tenant] = r.Until
		at(w.mutes, r.Tenant)
	}
	for tenant, t := range w.mutes {
		t.set(m, mute{until[tenant], true})
	}
}

// nextNight forgets what no rule asks for any more.
func (w *world) nextNight(m moment) {
	w.night.read = false
	old := m.at.AddDate(0, 0, -60)
	w.commands = slices.DeleteFunc(w.commands, func(c *command) bool { return c.began.at.Before(old) })
	for id, p := range w.processes {
		if p.ended {
			delete(w.processes, id)
		}
	}
	for id, t := range w.accounts {
		t.forget(old)
		if r := t.at(m); r.gone && len(t.spans) == 1 {
			delete(w.accounts, id)
			delete(w.asked, id)
		}
	}
	for _, t := range w.boxes {
		t.forget(old)
	}
	for _, t := range w.moods {
		t.forget(old)
	}
	for _, t := range w.mutes {
		t.forget(old)
	}
	w.config.forget(old)
	w.switched.forget(old)
	w.source.forget(old)
	w.relay.forget(old)
	w.slack.forget(old)
}

// letters returns the mails since the last look at the database, each with its notice, when what is a new look.
func (w *world) letters(what observe.What) []letter {
	db, ok := what.(observe.Database)
	if !ok || len(w.pending) == 0 {
		return nil
	}
	byNumber, byMessage := map[int64]observe.NoticeRow{}, map[string]observe.NoticeRow{}
	for _, r := range db.Notices {
		byNumber[r.ID] = r
		if r.MessageID != "" {
			byMessage[bare(r.MessageID)] = r
		}
	}
	all := w.pending
	w.pending = nil
	var mails []letter
	for _, l := range all {
		if l.by != nil && l.by.name == "guide" {
			continue // an operator sends a guide to an address of his own
		}
		if l.row, l.known = byMessage[bare(l.MessageID)]; !l.known {
			l.row, l.known = byNumber[l.Number]
		}
		mails = append(mails, l)
	}
	return mails
}

// bare is a Message-ID without its brackets.
func bare(id string) string { return strings.Trim(id, "<>") }

// heldBy gives the accounts for which a sign-in was made: those that have its login and secret now, or had them within
// the last day, since a run may work with what it has read. A conversation that came to no secret counts for its login.
func (w *world) heldBy(s observe.SignIn, m moment) []string {
	var ids []string
	for id := range w.logins[fold(s.Login)] {
		if t := w.accounts[id]; t != nil && slices.ContainsFunc(t.lately(m, day), func(r row) bool {
			return r.login() == fold(s.Login) && (s.Secret == "" || r.Secret == w.secret(s.Secret))
		}) {
			ids = append(ids, id)
		}
	}
	return ids
}
