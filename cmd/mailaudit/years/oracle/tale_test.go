package oracle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// tale tells an oracle a stream by hand. What a test does not say is as it should be: each run is posted, each mail is
// taken by the relay and stands in the database, and all forms of a run agree.
type tale struct {
	t     *testing.T
	o     *Oracle
	ob    observe.Observation
	found []observe.Violation

	config   observe.Configured
	accounts map[string]observe.AccountIs
	verdict  map[string]string
	previous map[string]string
	db       observe.Database
	lines    map[string][]line
	tonight  []string
	process  int
	command  int
	exit     int // of the runs from now on
}

// seenBroken are the rules that some test has seen broken.
var seenBroken = map[string]bool{}

// begin has two tenants of one mailbox each at Google: a-1 of T-1 and a-2 of T-2.
func begin(t *testing.T) *tale {
	s := &tale{t: t, o: New(), accounts: map[string]observe.AccountIs{}, verdict: map[string]string{}, previous: map[string]string{}, lines: map[string][]line{}}
	s.at("2026-03-02 00:00")
	s.see(observe.Began{Seed: 1, Store: "sqlite"})
	s.configure(func(c *observe.Configured) {
		*c = observe.Configured{
			Mode: "live", ConfirmNights: 2, RemindAfter: []time.Duration{3 * day, 7 * day}, MaxPerNight: 50, MaxPerRecipient: 3, MaxPerTenant: 20,
			MaxNewFailures: 0.01, MinNewFailures: 10, MaxUnreachable: 0.2, MaxSourceLoss: 0.05, AttemptsPerDay: 2, TimeZone: "UTC", Slack: "token",
			Window: time.Hour, Installation: "clinic",
		}
	})
	s.account("a-1", nil)
	s.account("a-2", nil)
	return s
}

// at goes to a moment; the world's nights are counted by its days.
func (s *tale) at(when string) {
	t, err := time.Parse("2006-01-02 15:04", when)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ob.At, s.ob.Shown, s.ob.Night = t, t, t.YearDay()
}

func (s *tale) see(what observe.What) { s.by(0, what) }

func (s *tale) by(process int, what observe.What) {
	s.ob.N++
	s.ob.Process, s.ob.What = process, what
	s.found = append(s.found, s.o.Watch(s.ob)...)
}

func (s *tale) configure(change func(*observe.Configured)) {
	change(&s.config)
	s.see(s.config)
}

// account adds or changes an account; its number is its tenant's and its secret's.
func (s *tale) account(id string, change func(*observe.AccountIs)) {
	n := strings.TrimPrefix(id, "a-")
	a, known := s.accounts[id]
	if !known {
		a = observe.AccountIs{
			ID: id, Tenant: "T-" + n, Address: "mail" + n + "@gmail.com", Auth: "password", Secret: observe.SecretID("s-" + n),
			Contact: "desk" + n + "@clinic.example", Provider: "google",
		}
	}
	if change != nil {
		change(&a)
	}
	s.accounts[id] = a
	s.see(a)
	s.says(a, "accepted")
}

// says has the provider think something of an account's present secret.
func (s *tale) says(a observe.AccountIs, meaning string) {
	s.see(observe.MailboxIs{Provider: a.Provider, Login: fold(a.Address), Says: map[observe.SecretID]string{a.Secret: meaning}})
}

// breaks has an account's secret refused from now on.
func (s *tale) breaks(ids ...string) {
	for _, id := range ids {
		s.says(s.accounts[id], "refused")
	}
}

func (s *tale) mood(mood observe.Mood) {
	s.see(observe.ProviderIs{Provider: "google", Mood: mood, Share: 1})
}

// start begins a command in a process of its own, and end ends it.
func (s *tale) start(line string) (process int) {
	s.process++
	s.command++
	s.by(s.process, observe.ProcessStarted{})
	s.by(s.process, observe.CommandBegan{ID: s.command, Args: strings.Fields(line), Who: "alice"})
	return s.process
}

func (s *tale) end(process, exit int) {
	stderr := ""
	if exit == 1 || exit == 2 {
		stderr = "mailaudit: it failed; see the log\n"
	}
	s.by(process, observe.CommandEnded{ID: s.command, Exit: exit, Stderr: stderr})
	s.by(process, observe.ProcessEnded{})
}

func (s *tale) do(line string) { s.end(s.start(line), 0) }

// ask is one conversation of an account; meaning is what the provider thinks of the secret.
func (s *tale) ask(process int, id, meaning string) {
	a := s.accounts[id]
	in := observe.SignIn{
		Provider: a.Provider, Host: "smtp." + a.Provider, Login: a.Address, Folded: fold(a.Address), Secret: a.Secret, Sent: true, Meaning: meaning,
		Answer: observe.Refused, Reply: "535 5.7.8 Username and Password not accepted", OAuth: a.Auth == "oauth2",
	}
	switch mood := s.o.world.mood(a.Provider, momentOf(s.ob)); {
	case mood == observe.Away:
		in.Answer, in.Sent, in.Secret, in.Reply = observe.Unreached, false, "", ""
	case mood != observe.Well:
		in.Answer = observe.OfMood
	case meaning == "accepted":
		in.Answer, in.Reply = observe.Accepted, "235 2.7.0 Accepted"
	}
	s.by(process, in)
	switch w := s.o.world; {
	case in.Answer == observe.Accepted:
		s.verdict[id] = "compliant"
	case !(answer{SignIn: in, mood: w.mood(a.Provider, momentOf(s.ob))}).refused():
		s.verdict[id] = "unverified"
	case meaning == "needs-app-password":
		s.verdict[id] = "app_password_required"
	case s.previous[id] == "" || s.previous[id] == "invalid":
		s.verdict[id] = "invalid"
	default:
		s.verdict[id] = "revoked"
	}
}

// run is a night's run that asks every account and is posted.
func (s *tale) run(key string, change ...func(*observe.RunRow)) {
	s.runAs("run", key, change...)
}

func (s *tale) runAs(args, key string, change ...func(*observe.RunRow)) {
	p := s.start(args)
	r := observe.RunRow{Key: key, Seq: int64(len(s.db.Runs) + 1), Status: "concluded", Phase: "done", StartedAt: s.ob.Shown, Deadline: s.ob.Shown.Add(time.Hour)}
	for _, id := range s.ids() {
		s.ob.At, s.ob.Shown = s.ob.At.Add(time.Second), s.ob.Shown.Add(time.Second)
		s.ask(p, id, s.meaning(id))
	}
	r.FinishedAt, r.PostedAt, r.Accounts = s.ob.Shown, s.ob.Shown, len(s.accounts)
	for _, c := range change {
		c(&r)
	}
	if r.Status != "concluded" {
		r.FinishedAt, r.PostedAt = time.Time{}, time.Time{}
	}
	s.lines[key] = nil
	for _, id := range s.ids() {
		l := line{account: id, tenant: s.accounts[id].Tenant, provider: s.accounts[id].Provider, verdict: s.verdict[id], twoFactor: "unknown", previous: s.previous[id], notice: "none", since: r.StartedAt}
		if slices.Contains(r.Void, l.provider) && l.verdict != l.previous {
			l.verdict = "unverified"
		}
		if l.verdict != "unverified" {
			s.previous[id] = l.verdict
		}
		s.lines[key] = append(s.lines[key], l)
	}
	if r.Status == "concluded" && !r.PostedAt.IsZero() && s.config.Slack == "token" {
		s.post(p, r)
	}
	s.db.Runs = append(s.db.Runs, r)
	s.tonight = append(s.tonight, key)
	s.end(p, s.exit)
}

func (s *tale) post(process int, r observe.RunRow) {
	f, _ := shownRun{RunRow: r, lines: s.lines[r.Key]}.figures()
	s.by(process, observe.SlackCall{Method: "chat.postMessage", Run: r.Key, Text: s.prose(f), Status: 200, Arrived: true})
}

func (s *tale) prose(f figures) string {
	return fmt.Sprintf("%d accounts, 100 %% verified\nNew *%d* · recovered *%d* · open *%d*", f.accounts, f.newly, f.recovered, f.open)
}

// meaning is what the provider thinks of an account's secret now.
func (s *tale) meaning(id string) string {
	a := s.accounts[id]
	return s.o.world.boxes[mailbox{a.Provider, fold(a.Address)}].at(momentOf(s.ob)).Says[a.Secret]
}

func (s *tale) ids() []string {
	var ids []string
	for id := range s.accounts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// notice writes a mail about accounts of one tenant, of the last run.
func (s *tale) notice(kind string, change func(*observe.NoticeRow), ids ...string) int64 {
	a := s.accounts[ids[0]]
	n := observe.NoticeRow{
		ID: int64(len(s.db.Notices) + 1), Kind: kind, Tenant: a.Tenant, Contact: row{AccountIs: a}.contact(), Provider: a.Provider, State: "queued",
		CreatedAt: s.ob.Shown, DueAt: s.ob.Shown,
	}
	n.MessageID = fmt.Sprintf("<notice-%d@clinic.example>", n.ID)
	if len(s.db.Runs) > 0 {
		n.Run = s.db.Runs[len(s.db.Runs)-1].Key
	}
	for _, id := range ids {
		n.Items = append(n.Items, observe.ItemRow{Account: id, Verdict: s.verdict[id], Step: 1})
	}
	if change != nil {
		change(&n)
	}
	s.db.Notices = append(s.db.Notices, n)
	return n.ID
}

// send has deliver offer a notice to the relay.
func (s *tale) send(id int64, change ...func(*observe.Mail)) {
	p := s.start("deliver")
	s.sendBy(p, id, change...)
	s.end(p, 0)
}

func (s *tale) sendBy(process int, id int64, change ...func(*observe.Mail)) {
	n := &s.db.Notices[id-1]
	m := observe.Mail{To: []string{n.Contact}, MessageID: bare(n.MessageID), Number: n.ID, Answer: observe.RelayTook, Arrived: true}
	for _, c := range change {
		c(&m)
	}
	s.by(process, m)
	switch m.Answer {
	case observe.RelayTook:
		n.State, n.SentAt = "sent", s.ob.Shown
	case observe.RelayNothing:
		n.State = "ambiguous"
	case observe.RelayNever:
		n.State = "failed"
	}
}

// mail writes and sends.
func (s *tale) mail(kind string, ids ...string) { s.send(s.notice(kind, nil, ids...)) }

// evening shows the night: the database, and tonight's runs in every form.
func (s *tale) evening(change ...func(forms map[string]string)) {
	s.ob.At = s.ob.At.Truncate(day).Add(23*time.Hour + 59*time.Minute)
	s.ob.Shown = s.ob.At
	s.see(observe.NightEnded{Runs: s.tonight})
	db := s.db
	db.Runs, db.Notices, db.Holds = slices.Clone(db.Runs), slices.Clone(db.Notices), slices.Clone(db.Holds)
	s.see(db)
	for _, key := range s.tonight {
		forms := s.forms(key)
		for _, c := range change {
			c(forms)
		}
		for form, body := range forms {
			s.see(observe.Shown{Form: form, Subject: key, Body: []byte(body)})
		}
	}
	s.tonight = nil
}

func (s *tale) forms(key string) map[string]string {
	r := shownRun{lines: slices.Clone(s.lines[key])}
	for _, row := range s.db.Runs {
		if row.Key == key {
			r.RunRow = row
		}
	}
	states := map[string]int{}
	for _, n := range s.db.Notices {
		if n.Run == key {
			states[shownState(n.State)]++
			for _, item := range n.Items {
				for i := range r.lines {
					if r.lines[i].account == item.Account {
						r.lines[i].notice = shownState(n.State)
					}
				}
			}
		}
	}
	type object = map[string]any
	var csv strings.Builder
	csv.WriteString("account_id,tenant_id,tenant_name,provider,address,verdict,two_factor,previous,since,rule,notice\n")
	verdicts, providers, findings := map[string]int{}, map[string]object{}, []object{}
	for _, l := range r.lines {
		since := l.since.Format(time.RFC3339)
		fmt.Fprintf(&csv, "%s,%s,,%s,,%s,%s,%s,%s,,%s\n", l.account, l.tenant, l.provider, l.verdict, l.twoFactor, l.previous, since, l.notice)
		verdicts[l.verdict]++
		if providers[l.provider] == nil {
			providers[l.provider] = object{"provider": l.provider, "accounts": 0, "verdicts": map[string]int{}, "two_factor": map[string]int{}, "held": slices.Contains(r.Held, l.provider)}
		}
		p := providers[l.provider]
		p["accounts"] = p["accounts"].(int) + 1
		p["verdicts"].(map[string]int)[l.verdict]++
		p["two_factor"].(map[string]int)[l.twoFactor]++
		if l.verdict != "compliant" {
			findings = append(findings, object{"account_id": l.account, "tenant_id": l.tenant, "provider": l.provider, "verdict": l.verdict,
				"two_factor": l.twoFactor, "previous": l.previous, "since": since, "notice": l.notice})
		}
	}
	f, still := r.figures()
	var list []object
	for _, p := range providers {
		list = append(list, p)
	}
	body, err := json.Marshal(object{
		"run":      object{"key": key, "status": r.Status, "accounts": f.accounts, "verified": f.accounts - verdicts["unverified"]},
		"verdicts": verdicts, "providers": list, "findings": findings, "notices": states,
		"changes": object{"newly_failing": f.newly, "recovered": f.recovered, "still_failing": still},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	text := s.prose(f) + "\n\nVerdicts\n"
	for v, n := range verdicts {
		text += fmt.Sprintf("%s   %d\n", v, n)
	}
	slack, err := json.Marshal(object{"blocks": []object{{"text": s.prose(f)}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return map[string]string{"csv": csv.String(), "json": string(body), "text": text, "html": "<p>" + text + "</p>", "slack": string(slack), "digest kept": key, "digest rebuilt": key}
}

// calm ends the stream.
func (s *tale) calm() { s.see(observe.Ended{CalmSince: s.ob.At.Add(-10 * day)}) }

// fine fails the test if a promise was seen broken.
func (s *tale) fine() {
	s.t.Helper()
	s.see(observe.RelayIs{Mood: "well"}) // anything after the evening completes it
	for _, v := range s.found {
		s.t.Errorf("%s: %s", v.Rule, v.Text)
	}
}

// broken fails the test unless exactly one rule was seen broken, with a sentence that has these words.
func (s *tale) broken(rule string, words ...string) {
	s.t.Helper()
	s.see(observe.RelayIs{Mood: "well"})
	seenBroken[rule] = true
	told := false
	for _, v := range s.found {
		if v.Rule != rule {
			s.t.Errorf("also %s: %s", v.Rule, v.Text)
			continue
		}
		has := true
		for _, w := range words {
			has = has && strings.Contains(v.Text, w)
		}
		told = told || has
	}
	if !told {
		s.t.Errorf("%q was not reported with %q; reported: %v", rule, words, s.found)
	}
}

// reported fails the test unless a rule was seen broken, whatever else was.
func (s *tale) reported(rule string) {
	s.t.Helper()
	s.see(observe.RelayIs{Mood: "well"})
	seenBroken[rule] = true
	for _, v := range s.found {
		if v.Rule == rule {
			return
		}
	}
	s.t.Errorf("%q was not reported; reported: %v", rule, s.found)
}

// unreported fails the test if a rule was seen broken.
func (s *tale) unreported(rule string) {
	s.t.Helper()
	s.see(observe.RelayIs{Mood: "well"})
	for _, v := range s.found {
		if v.Rule == rule {
			s.t.Errorf("%s: %s", v.Rule, v.Text)
		}
	}
}

// refusedTwice is at nine on the day on which a-1's customer is to be told: accepted in run "one", refused in "two" and
// "three", the latter of this day.
func refusedTwice(t *testing.T, before ...func(*tale)) *tale {
	s := begin(t)
	for _, f := range before {
		f(s)
	}
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
	return s
}
