package oracle

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// All that is shown of a run says the same.

// shownRun is a run of tonight in JSON and CSV, the two forms by which the others are judged.
type shownRun struct {
	observe.RunRow
	report
	lines []line
}

// shownRuns are tonight's runs that have concluded, oldest first, and what was wrong with reading them.
func (w *world) shownRuns() (runs []shownRun, bad []string) {
	for _, key := range w.night.runs {
		s := shownRun{RunRow: w.runs[key]}
		if s.Status != "concluded" {
			continue
		}
		for _, form := range []string{"json", "csv"} {
			shown := w.night.forms[[2]string{form, key}]
			var err error
			switch {
			case shown.Error != "":
				bad = append(bad, sprintf("run %s has no %s report: %s", key, form, shown.Error))
				continue
			case shown.Body == nil:
				continue
			case form == "json":
				s.report, err = readJSON(shown.Body)
			default:
				s.lines, err = readCSV(shown.Body)
			}
			if err != nil {
				bad = append(bad, sprintf("run %s: %v", key, err))
			}
		}
		if s.report.Run.Key != "" && s.lines != nil {
			runs = append(runs, s)
		}
	}
	slices.SortFunc(runs, func(a, b shownRun) int { return int(a.Seq - b.Seq) })
	return runs, bad
}

// figures are the run's, counted from its accounts.
func (s shownRun) figures() (f figures, still int) {
	f.accounts = len(s.lines)
	for _, l := range s.lines {
		f.newly += count(isFailing(l.verdict) && !isFailing(l.previous))
		f.recovered += count(isFine(l.verdict) && isFailing(l.previous))
		f.open += count(l.isOpen())
		still += count(isFailing(l.verdict) && isFailing(l.previous))
	}
	return f, still
}

// numbersAddUp: the verdicts of the JSON report add up to its accounts, in all and by provider, and so do changes,
// findings and second factors; each number is what accounts.csv counts.
func numbersAddUp(w *world) rule {
	return rule{name: "numbers add up", night: func() []string {
		runs, bad := w.shownRuns()
		for _, s := range runs {
			same := func(what string, said, counted int) {
				if said != counted {
					bad = append(bad, sprintf("run %s: JSON says %s %d; its accounts say %d", s.Key, what, said, counted))
				}
			}
			verdicts, providers, factors := map[string]int{}, map[string]int{}, map[string]int{}
			byProvider, byFactor, byVerdict := map[string]int{}, map[string]int{}, map[string]line{}
			for _, l := range s.lines {
				verdicts[l.verdict]++
				providers[l.provider]++
				factors[l.twoFactor]++
				byProvider[l.provider+" "+l.verdict]++
				byFactor[l.provider+" "+l.twoFactor]++
				byVerdict[l.account] = l
			}
			r := s.report
			same("accounts", r.Run.Accounts, len(s.lines))
			same("accounts in the database", s.RunRow.Accounts, len(s.lines))
			same("verified", r.Run.Verified, len(s.lines)-verdicts["unverified"])
			for v := range merged(r.Verdicts, verdicts) {
				same(v, r.Verdicts[v], verdicts[v])
			}
			same("providers", len(r.Providers), len(providers))
			for _, p := range r.Providers {
				same("accounts at "+p.Provider, p.Accounts, providers[p.Provider])
				for v := range merged(p.Verdicts, verdicts) {
					same(v+" at "+p.Provider, p.Verdicts[v], byProvider[p.Provider+" "+v])
				}
				for f := range merged(p.TwoFactor, factors) {
					same("second factor "+f+" at "+p.Provider, p.TwoFactor[f], byFactor[p.Provider+" "+f])
				}
				if held := slices.Contains(s.Held, p.Provider); held != p.Held {
					bad = append(bad, sprintf("run %s: JSON says held %t of %s, the database %t", s.Key, p.Held, p.Provider, held))
				}
			}
			f, still := s.figures()
			same("newly_failing", r.Changes.NewlyFailing, f.newly)
			same("recovered", r.Changes.Recovered, f.recovered)
			same("still_failing", r.Changes.StillFailing, still)
			same("findings", len(r.Findings), len(s.lines)-verdicts["compliant"])
			for _, f := range r.Findings {
				l := byVerdict[f.AccountID]
				if f.Verdict != l.verdict || f.TwoFactor != l.twoFactor || f.Previous != l.previous || f.Notice != l.notice || f.Provider != l.provider || f.TenantID != l.tenant {
					bad = append(bad, sprintf("run %s: JSON and CSV differ on %s: %+v, %+v", s.Key, f.AccountID, f, l))
				}
			}
		}
		return bad
	}}
}

// merged has the keys of both.
func merged[V any](a, b map[string]V) map[string]bool {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return keys
}

// formsAgree: text, page and Slack's form of a report show the numbers of its accounts.
func formsAgree(w *world) rule {
	return rule{name: "forms agree", night: func() []string {
		var bad []string
		runs, _ := w.shownRuns()
		for _, s := range runs {
			want, _ := s.figures()
			for _, form := range []string{"text", "html", "slack"} {
				shown, given := w.night.forms[[2]string{form, s.Key}]
				body := string(shown.Body)
				if form == "slack" {
					body = slackText(shown.Body)
				}
				switch f, err := readProse(body); {
				case !given || want.accounts == 0 && shown.Error == "":
				case shown.Error != "":
					bad = append(bad, sprintf("run %s has no %s report: %s", s.Key, form, shown.Error))
				case err != nil:
					bad = append(bad, sprintf("run %s, %s: %v", s.Key, form, err))
				case f != want:
					bad = append(bad, sprintf("run %s, %s: accounts, new, recovered, open are %+v; its accounts say %+v", s.Key, form, f, want))
				}
				if form == "slack" || !given || want.accounts == 0 {
					continue
				}
				names := slices.Concat(failing, fine, []string{"unverified"})
				for name, n := range verdictsIn(body, names) {
					if said := s.report.Verdicts[name]; said != n {
						bad = append(bad, sprintf("run %s, %s: %d %s; JSON says %d", s.Key, form, n, name, said))
					}
				}
			}
		}
		return bad
	}}
}

// slackAgrees: what stands in the channel has the numbers of the run's accounts.
func slackAgrees(w *world) rule {
	posted := map[string]string{}
	return rule{name: "Slack agrees", watch: func(_ moment, what observe.What) []string {
		if s, ok := what.(observe.SlackCall); ok && s.Arrived && !s.Thread && s.Run != "" {
			posted[s.Run] = s.Text
		}
		return nil
	}, night: func() []string {
		var bad []string
		runs, _ := w.shownRuns()
		for _, s := range runs {
			text, is := posted[s.Key]
			want, _ := s.figures()
			if !is || want.accounts == 0 {
				continue
			}
			switch f, err := readProse(text); {
			case err != nil:
				bad = append(bad, sprintf("run %s in Slack: %v", s.Key, err))
			case f != want:
				bad = append(bad, sprintf("run %s in Slack: accounts, new, recovered, open are %+v; its accounts say %+v", s.Key, f, want))
			}
		}
		clear(posted)
		return bad
	}}
}

// shownState is a notice's state as reports name it: what is under way counts as queued.
func shownState(state string) string {
	if state == "forming" || state == "sending" {
		return "queued"
	}
	return state
}

// noticesAgree: a report counts the notices of its run by their states, and says of each account what became of its.
func noticesAgree(w *world) rule {
	return rule{name: "notices agree", night: func() []string {
		var bad []string
		runs, _ := w.shownRuns()
		for _, s := range runs {
			states, ofAccount := map[string]int{}, map[string]string{}
			for _, n := range w.night.db.Notices {
				if n.Run != s.Key {
					continue
				}
				states[shownState(n.State)]++
				for _, item := range n.Items {
					ofAccount[item.Account] = shownState(n.State)
				}
			}
			for state := range merged(states, s.report.Notices) {
				if said := s.report.Notices[state]; said != states[state] {
					bad = append(bad, sprintf("run %s: JSON says %d notices %s; the database has %d", s.Key, said, state, states[state]))
				}
			}
			for _, l := range s.lines {
				if is, ok := ofAccount[l.account]; ok && l.notice != is || !ok && l.notice != "none" {
					bad = append(bad, sprintf("run %s: CSV says notice %s of %s; the database %q", s.Key, l.notice, l.account, is))
				}
			}
		}
		return bad
	}}
}

// verdictsKept are the verdicts that runs showed, by run and account, for as long as anybody asks.
type verdictsKept struct {
	of   map[string]map[string]string
	keys []string
}

func (v *verdictsKept) keep(s shownRun) {
	if v.of == nil {
		v.of = map[string]map[string]string{}
	}
	of := map[string]string{}
	for _, l := range s.lines {
		of[l.account] = l.verdict
	}
	v.of[s.Key] = of
	if v.keys = append(v.keys, s.Key); len(v.keys) > 60 {
		delete(v.of, v.keys[0])
		v.keys = v.keys[1:]
	}
}

// explainAgrees: explain tells of each run the verdict that the run's report tells, and of each notice what became of it.
func explainAgrees(w *world) rule {
	var kept verdictsKept
	return rule{name: "explain agrees", night: func() []string {
		var bad []string
		runs, _ := w.shownRuns()
		for _, s := range runs {
			kept.keep(s)
		}
		for key, shown := range w.night.forms {
			if key[0] != "explain" || strings.Contains(shown.Error, "no such account") {
				continue
			}
			e, err := readExplain(shown.Body)
			if shown.Error != "" || err != nil {
				bad = append(bad, sprintf("explain %s: %s %v", key[1], shown.Error, err))
				continue
			}
			told := map[string]bool{}
			for _, n := range e.nights {
				told[n.run] = told[n.run] || n.decision == "told"
				if is, known := kept.of[n.run][key[1]]; known && is != n.verdict {
					bad = append(bad, sprintf("explain %s says %s of run %s; its report says %s", key[1], n.verdict, n.run, is))
				}
				row, known := w.notice(n.number)
				if n.decision == "told" && n.number != 0 && strings.Contains(n.why, "sent") && (!known || row.State != "sent") {
					bad = append(bad, sprintf("explain %s says that M-%d was sent; the database says %q", key[1], n.number, row.State))
				}
			}
			for _, n := range w.night.db.Notices {
				was, shown := told[n.Run]
				if n.State == "sent" && shown && !was && slices.ContainsFunc(n.Items, func(i observe.ItemRow) bool { return i.Account == key[1] }) {
					bad = append(bad, sprintf("explain %s says that run %s did not tell; M-%d was sent", key[1], n.Run, n.ID))
				}
			}
		}
		slices.Sort(bad)
		return bad
	}}
}

func (w *world) notice(id int64) (observe.NoticeRow, bool) {
	i := slices.IndexFunc(w.night.db.Notices, func(n observe.NoticeRow) bool { return n.ID == id })
	if id == 0 || i < 0 {
		return observe.NoticeRow{}, false
	}
	return w.night.db.Notices[i], true
}

// statusAgrees: account_status shows the verdict of the account's last whole run, unless it was asked since, and a
// notice that there is, at the moment it was sent.
func statusAgrees(w *world) rule {
	return rule{name: "account_status agrees", night: func() []string {
		var bad []string
		last := map[string]line{}
		var ran time.Time
		runs, _ := w.shownRuns()
		for _, s := range runs {
			for _, l := range s.lines {
				last[l.account], ran = l, s.FinishedAt
			}
		}
		for _, s := range w.night.db.Status {
			asked := w.asked[w.id(s.Account)]
			since := len(asked) > 0 && asked[len(asked)-1].shown.After(ran)
			if l, ok := last[s.Account]; ok && l.verdict != "unverified" && l.verdict != s.Verdict && !since {
				bad = append(bad, sprintf("account_status says %s of %s; its last run says %s", s.Verdict, s.Account, l.verdict))
			}
			n, known := w.notice(s.NoticeNumber)
			switch {
			case s.NoticeNumber == 0:
			case !known:
				bad = append(bad, sprintf("account_status names M-%d for %s; there is no such notice", s.NoticeNumber, s.Account))
			case n.Tenant != s.Tenant || !slices.ContainsFunc(n.Items, func(i observe.ItemRow) bool { return w.id(i.Account) == w.id(s.Account) }):
				bad = append(bad, sprintf("account_status names M-%d for %s; that notice is for %s and others", s.NoticeNumber, s.Account, n.Tenant))
			case n.State == "queued" || n.State == "held" || n.State == "suppressed":
				bad = append(bad, sprintf("account_status names M-%d as told to %s; it is %q", s.NoticeNumber, s.Account, n.State))
			}
		}
		return bad
	}}
}

// evidenceAgrees: an auditor's pack has the runs of the database with their numbers, and its report of a run is the
// one that report shows.
func evidenceAgrees(w *world) rule {
	return rule{name: "evidence agrees", night: func() []string {
		var bad []string
		for key, shown := range w.night.forms {
			if key[0] != "evidence" {
				continue
			}
			pack, err := unzip(shown.Body)
			if shown.Error != "" || err != nil {
				bad = append(bad, sprintf("evidence of %s: %s %v", key[1], shown.Error, err))
				continue
			}
			for _, r := range table(pack["coverage.csv"]) {
				run, known := w.runs[r["run"]]
				status := r["status"]
				if status == "incomplete" && !w.alive() {
					status = run.Status // "running" with nobody at work is shown as what it is
				}
				if accounts, _ := strconv.Atoi(r["accounts"]); !known || accounts != run.Accounts || status != run.Status {
					bad = append(bad, sprintf("evidence says %s of run %s; the database %d %s", r["accounts"], r["run"], run.Accounts, run.Status))
				}
			}
			for _, r := range table(pack["digests.csv"]) {
				if r["kept"] != r["rebuilt"] {
					bad = append(bad, sprintf("evidence rebuilds run %s as %s; kept is %s", r["run"], r["rebuilt"], r["kept"]))
				}
			}
			for name, body := range pack {
				dir, file, _ := strings.Cut(strings.TrimPrefix(name, "nights/"), "/")
				alone, ok := w.night.form("json", dir)
				if file != "report.json" || !ok {
					continue
				}
				if a, _ := readJSON(alone.Body); !sameReport(body, a) {
					bad = append(bad, sprintf("evidence has another report of run %s than report shows", dir))
				}
			}
		}
		slices.Sort(bad)
		return bad
	}}
}

func sameReport(body []byte, b report) bool {
	a, err := readJSON(body)
	return err == nil && a.Run == b.Run && a.Changes == b.Changes && len(a.Findings) == len(b.Findings) && slices.Equal(a.Findings, b.Findings)
}

func unzip(body []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		files[f.Name], err = io.ReadAll(r)
		r.Close()
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// table reads CSV with a header line.
func table(body []byte) (rows []map[string]string) {
	all, _ := csv.NewReader(bytes.NewReader(body)).ReadAll()
	for _, r := range all[min(1, len(all)):] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// digestStays: a run's report can be rebuilt to its digest, whenever it is asked for. A purge changes it, and says so.
func digestStays(w *world) rule {
	kept := map[string]string{}
	purged := func() bool {
		return slices.ContainsFunc(w.commands, func(c *command) bool { return c.name == "accounts purge" })
	}
	return rule{name: "digest", night: func() []string {
		var bad []string
		for key, shown := range w.night.forms {
			form, run, digest := key[0], key[1], string(shown.Body)
			if shown.Error != "" || form != "digest kept" && form != "digest rebuilt" {
				continue
			}
			if before, known := kept[run]; known && before != digest && !purged() {
				bad = append(bad, sprintf("run %s: %s is %s, was %s", run, form, digest, before))
			}
			if form == "digest kept" || kept[run] == "" {
				kept[run] = digest
			}
		}
		slices.Sort(bad)
		return bad
	}}
}

// meant are the verdicts that a true refusal leads to, by what the provider means.
var meant = map[string][]string{
	"refused":            {"revoked", "invalid"},
	"needs-app-password": {"app_password_required"},
	"needs-browser":      {"sign_in_blocked"},
	"needs-mfa":          {"sign_in_blocked"},
	"disabled":           {"auth_disabled", "method_retired", "account_blocked"}, // "user account is disabled"
	"blocked":            {"account_blocked"},
}

// verdictFollowsAnswer: a run's verdict is what the account's last answer says: failing only after a refusal, with the
// cause that the provider means, and fine only after an acceptance; revoked only where that secret was accepted before. A grant was given by the
// provider itself, so it was good once.
func verdictFollowsAnswer(w *world) rule {
	type credential struct {
		login  string
		secret observe.SecretID
	}
	accepted := map[credential]bool{}
	return rule{name: "verdict follows answer", watch: func(m moment, what observe.What) []string {
		if s, ok := what.(observe.SignIn); ok && (answer{SignIn: s, mood: w.mood(s.Provider, m)}).accepted() {
			accepted[credential{fold(s.Login), w.secret(s.Secret)}] = true
		}
		return nil
	}, night: func() []string {
		var bad []string
		runs, _ := w.shownRuns()
		if w.clockMoved(4 * day) {
			return nil // what was last by the clocks was not last
		}
		for _, s := range runs {
			for _, l := range s.lines {
				wrong := ""
				for _, a := range w.lastAnswers(w.id(l.account), s.RunRow) {
					if wrong = w.wrongAfter(l.verdict, a, accepted[credential{fold(a.Login), a.Secret}]); wrong == "" {
						break
					}
				}
				if wrong != "" {
					bad = append(bad, sprintf("run %s says %s of %s; its last answer was %s", s.Key, l.verdict, l.account, wrong))
				}
			}
		}
		return bad
	}}
}

// wrongAfter tells which answer does not lead to a verdict; "" where it does.
func (w *world) wrongAfter(verdict string, a answer, known bool) (wrong string) {
	switch {
	case verdict == "unverified" || verdict == "misconfigured":
		return ""
	case a.accepted() && isFailing(verdict) && verdict != "single_factor":
		wrong = "accepted"
	case a.refused() && (isFine(verdict) || verdict == "single_factor"):
		wrong = "a refusal"
	case a.trulyRefused() && !slices.Contains(meant[a.Meaning], verdict):
		wrong = sprintf("%q: %.80s", a.Meaning, a.Reply)
	case verdict == "revoked" && !a.OAuth && !known:
		wrong = "of a secret that was never accepted"
	default:
		return ""
	}
	return sprintf("%s, at %s", wrong, a.moment)
}

// lastAnswers are the clear answers about an account on which a run's verdict may rest: those that came while it was at
// work, for the row may have changed meanwhile; else the last one, and the last one that was kept beyond its day.
func (w *world) lastAnswers(id string, run observe.RunRow) (out []answer) {
	for _, a := range slices.Backward(w.asked[id]) {
		switch {
		case !a.clear() || a.shown.After(run.FinishedAt):
		case !a.shown.Before(run.StartedAt) && w.stays(a):
			out = append(out, a)
		case len(out) > 0 && w.stays(out[0]):
			return out
		default:
			if out = append(out, a); w.stays(a) {
				return out
			}
		}
	}
	return out
}
