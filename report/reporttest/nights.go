package reporttest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/report"
)

// Night is one invented night.
type Night struct {
	Name  string
	Store *Store
	report.Options
}

// Key is the run of every night here.
const Key = "2026-11-23"

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// Canary stands where a report must not show it in Slack: mailboxes, contacts, hosts, providers' words.
const Canary = "c4n4ry"

// Nights returns one night of each kind, the same at every call.
func Nights() []Night {
	return []Night{
		First(), Quiet(), Typical(), Bad(), Hostile(), Huge(20_000), OneTenant(), Incomplete(), Stopped(), Held(),
		StillHeld(), Outage(), Mismatch(), Narrowed(), Running(),
	}
}

func night(name string, s *Store) Night {
	zone := time.FixedZone("CST", -6*3600)
	return Night{Name: name, Store: s, Options: report.Options{
		Now:  func() time.Time { return start.Add(131 * time.Minute) },
		Zone: zone, Mode: audit.ModeLive, NextRun: start.Add(24 * time.Hour),
		PageURL: report.RunURL("https://reports.example.com/audit", Key),
	}}
}

func run() audit.Run {
	return audit.Run{Key: Key, Seq: 112, Status: audit.RunRunning, Phase: audit.PhaseVerifying, StartedAt: start, Deadline: start.Add(4 * time.Hour)}
}

// store has a night before, in which open accounts failed; open below 0: this is the first.
func store(open int) *Store {
	s := &Store{}
	if open >= 0 {
		s.Runs = append(s.Runs, audit.Run{
			Key: "2026-11-22", Seq: 111, Status: audit.RunConcluded, Phase: audit.PhaseDone,
			StartedAt: start.Add(-24 * time.Hour), FinishedAt: start.Add(-22 * time.Hour), Numbers: &audit.Numbers{Open: open},
		})
	}
	s.Runs = append(s.Runs, run())
	return s
}

// some adds n accounts with the same outcome.
func (s *Store) some(n int, provider string, v, previous audit.Verdict, change ...func(*audit.Finding)) {
	for range n {
		i := len(s.Accounts)
		f := audit.Finding{
			AccountID: fmt.Sprintf("A-%05d", i+1), TenantID: fmt.Sprintf("T-%d", 2000+i/7), TenantName: fmt.Sprintf("Clinic %d", 2000+i/7),
			Provider: provider, Address: fmt.Sprintf("%s%d@%s.example", Canary, i, provider),
			Verdict: v, Previous: previous, Since: start, TwoFactor: providers.TwoFactorUnknown, Notice: audit.NoticeNone,
		}
		if v == previous {
			f.Since = start.Add(-72 * time.Hour)
		}
		describe(&f)
		for _, c := range change {
			c(&f)
		}
		s.Accounts = append(s.Accounts, f)
	}
}

func describe(f *audit.Finding) {
	switch f.Verdict {
	case audit.Compliant:
		f.Rule = f.Provider + "/accepted"
		if f.Provider == "google" || f.Provider == "apple" {
			f.TwoFactor = providers.TwoFactorShown
		}
	case audit.Unverified:
		f.Reason = "no answer from mail." + Canary + ".example in 30s"
	case audit.AppPasswordRequired:
		f.TwoFactor = providers.TwoFactorShown
		f.Rule, f.Reply = f.Provider+"/app-password-required", "534 5.7.9 Application-specific password required "+Canary
	case audit.Unproven, audit.SingleFactor:
		f.Rule = f.Provider + "/accepted"
	default:
		f.Rule, f.Reply = f.Provider+"/bad-credentials", "535 5.7.8 Username and Password not accepted "+Canary
	}
}

func unknown(f *audit.Finding) {
	f.Rule, f.Reason, f.Reply = "", "", "535 5.7.99 try the "+Canary+" portal"
	f.Wording = "try the portal"
}

func (s *Store) mail(n int, kind audit.NoticeKind, state audit.NoticeState, due time.Time) {
	for range n {
		s.Notices = append(s.Notices, audit.Notice{
			ID: int64(len(s.Notices) + 1), RunKey: Key, Kind: kind, State: state, DueAt: due, ContactEmail: Canary + "@contact.example",
		})
	}
}

// ordinary is a customer base on a night like any other, without what a night brings.
func (s *Store) ordinary() {
	s.some(6749, "google", audit.Compliant, audit.Compliant)
	s.some(46, "google", audit.Revoked, audit.Revoked)
	s.some(3738, "microsoft", audit.Unproven, audit.Unproven)
	s.some(33, "microsoft", audit.MethodRetired, audit.MethodRetired)
	s.some(862, "yahoo", audit.Compliant, audit.Compliant)
	s.some(7, "yahoo", audit.AppPasswordRequired, audit.AppPasswordRequired)
	s.some(537, "other", audit.Unproven, audit.Unproven)
	s.some(2, "other", audit.Misconfigured, audit.Misconfigured)
}

func First() Night {
	s := store(-1)
	s.some(180, "google", audit.Compliant, "")
	s.some(12, "google", audit.Invalid, "")
	s.some(40, "microsoft", audit.Unproven, "")
	s.some(9, "microsoft", audit.MethodRetired, "")
	s.some(3, "zoho", audit.SingleFactor, "")
	s.mail(24, audit.KindFinding, audit.NoticeShadowed, start.Add(6*time.Hour))
	s.Conclude()
	n := night("first", s)
	n.Mode, n.PageURL = audit.ModeShadow, ""
	return n
}

func Quiet() Night {
	s := store(93)
	s.ordinary()
	s.some(1, "google", audit.Revoked, audit.Compliant)
	s.some(2, "microsoft", audit.Unproven, audit.MethodRetired)
	s.some(3, "yahoo", audit.Unverified, audit.Compliant)
	s.mail(1, audit.KindFinding, audit.NoticeQueued, start.Add(6*time.Hour))
	s.mail(8, audit.KindReminder, audit.NoticeQueued, start.Add(6*time.Hour))
	s.Conclude()
	return night("quiet", s)
}

func Typical() Night {
	s := store(90)
	s.ordinary()
	s.some(4, "google", audit.Revoked, audit.Compliant)
	s.some(2, "google", audit.Compliant, audit.Revoked)
	s.some(2, "microsoft", audit.AuthDisabled, audit.Unproven, func(f *audit.Finding) { f.Actor = providers.ActorAdministrator })
	s.some(2, "microsoft", audit.Unproven, audit.AuthDisabled)
	s.some(5, "microsoft", audit.Unverified, audit.Unproven, unknown)
	s.some(1, "yahoo", audit.AppPasswordRequired, audit.Compliant, func(f *audit.Finding) { f.Carried = true })
	s.some(18, "other", audit.Unverified, audit.Unproven)
	s.mail(5, audit.KindFinding, audit.NoticeQueued, start.Add(6*time.Hour))
	s.mail(12, audit.KindReminder, audit.NoticeQueued, start.Add(6*time.Hour))
	s.mail(4, audit.KindRecovered, audit.NoticeQueued, start.Add(6*time.Hour))
	s.mail(3, audit.KindFinding, audit.NoticeSuppressed, start.Add(6*time.Hour))
	s.month()
	s.Conclude()
	n := night("typical", s)
	n.Ahead = []string{"the client secret of Microsoft ends on 3 Dec"}
	n.Told = told
	n.Links = report.LinksIn("2026-11-22")
	n.AccountURL = "https://app.example.com/tenants/{tenant_id}/mail?account={account_id}"
	n.CommandPrefix = "kubectl -n mail exec deploy/mailaudit --"
	return n
}

// told says of every other account that its customer was notified two days ago.
func told(_ context.Context, accountIDs []string) (map[string]report.Told, error) {
	out := map[string]report.Told{}
	for i, id := range accountIDs {
		if i%2 == 0 {
			at := start.Add(-48 * time.Hour)
			out[id] = report.Told{LastNotified: at, Number: "M-" + strconv.Itoa(4700+i), NextReminder: at.Add(168 * time.Hour)}
		}
	}
	return out, nil
}

func Bad() Night {
	s := store(90)
	s.ordinary()
	s.some(180, "google", audit.Revoked, audit.Compliant)
	s.some(14, "google", audit.SingleFactor, audit.Compliant)
	s.some(800, "microsoft", audit.Unverified, audit.Unproven)
	s.some(60, "yahoo", audit.Unverified, audit.Compliant, unknown)
	s.some(9, "other", audit.Invalid, "")
	s.mail(50, audit.KindFinding, audit.NoticeQueued, start.Add(6*time.Hour))
	s.mail(150, audit.KindFinding, audit.NoticeQueued, start.Add(78*time.Hour))
	s.mail(3, audit.KindReminder, audit.NoticeFailed, start)
	s.mail(1, audit.KindReminder, audit.NoticeAmbiguous, start)
	s.mail(2, audit.KindFinding, audit.NoticeQueued, start.Add(-48*time.Hour))
	s.Conclude()
	n := night("bad", s)
	n.Faults = []report.Fault{{What: "the relay refuses our login", Fix: "check relay.username and relay.password"}}
	n.PageURL = ""
	return n
}

// Names are tenants' names that would do harm somewhere.
var Names = []string{
	"<!channel>", "<!here|here>", "@channel", "@here & co", "<@U012AB3CD>", "<#C012AB3CD>", "*bold* _it_ ~no~ `code`", "```fence```",
	":skull: :+1:", "<https://evil.example|Report>", "https://evil.example/x", "evil.example", "<script>alert(1)</script>",
	"=1+1", "+1", "-1", "@SUM(A1)", "\t=2", "a\r\nBcc: x@y", "\x1b[31mred\x1b[0m", "\u202Egnp.exe", "שלום בית", "عيادة",
	"&lt;b&gt; &amp;", "{{.Run.Key}}", "'; DROP TABLE runs;--", "🦷 Smile 🦷", "\xff\xfe", "> quote", "[a](https://evil.example)",
	"mailto:x@evil.example", "<mailto:x@evil.example|mail>", "&<!channel>&", longName, strings.Repeat("&", 300), strings.Repeat("a<b ", 100),
}

const longName = "Praxisgemeinschaft für Zahnheilkunde, Kieferorthopädie und Oralchirurgie am Stadtpark &&&&&&&&&&&&&&&&&&&&&&"

func Hostile() Night {
	s := store(0)
	s.some(60, "google", audit.Compliant, audit.Compliant)
	for i, name := range Names {
		s.some(1+(len(Names)-i)%4, "google", audit.Revoked, audit.Compliant, func(f *audit.Finding) {
			f.TenantName, f.TenantID = name, name
			f.Reply = "535 " + name
			if i%3 == 0 {
				f.AccountID = name + f.AccountID
			}
		})
	}
	s.some(4, "other", audit.Unverified, audit.Unproven, unknown, func(f *audit.Finding) { f.Reply, f.Wording = "<!channel> `x` "+Names[12], "channel x" })
	s.Conclude()
	n := night("hostile", s)
	n.Faults = []report.Fault{{What: "Slack said <!channel> *x* :boom: @here"}}
	return n
}

// Huge has so many findings, half of them new.
func Huge(findings int) Night {
	s := store(findings / 2)
	s.some(100, "google", audit.Compliant, audit.Compliant)
	s.some(findings/2, "google", audit.Revoked, audit.Compliant)
	s.some(findings/4, "microsoft", audit.MethodRetired, audit.MethodRetired)
	s.some(findings-findings/2-findings/4, "yahoo", audit.AppPasswordRequired, audit.AppPasswordRequired)
	s.Conclude()
	return night("huge", s)
}

func OneTenant() Night {
	s := store(0)
	s.some(300, "fastmail", audit.Compliant, audit.Compliant)
	s.some(90, "fastmail", audit.Revoked, audit.Compliant, func(f *audit.Finding) { f.TenantID, f.TenantName = "T-1", "Only One" })
	s.Conclude()
	return night("one-tenant", s)
}

func Incomplete() Night {
	s := store(90)
	s.some(700, "google", audit.Compliant, audit.Compliant)
	s.some(3, "google", audit.Revoked, audit.Compliant)
	s.some(6, "yahoo", audit.Unverified, audit.Compliant, unknown)
	r := &s.Runs[len(s.Runs)-1]
	r.Status, r.Accounts = audit.RunIncomplete, 1200
	return night("incomplete", s)
}

func Stopped() Night {
	s := store(90)
	r := &s.Runs[len(s.Runs)-1]
	r.Status, r.StopReason, r.FinishedAt = audit.RunStopped, "the source has lost 12 % of its mailboxes (limit 5 %)", r.StartedAt.Add(time.Minute)
	return night("stopped", s)
}

func Held() Night {
	s := store(90)
	s.ordinary()
	s.some(212, "google", audit.Revoked, audit.Compliant)
	s.some(209, "google", audit.Unverified, audit.Compliant, func(f *audit.Finding) {
		f.Rule, f.Reason = "google/bad-credentials", audit.ReasonContradicted
	})
	s.Noted = map[string]string{"canaries/after/google": "{}"}
	s.mail(200, audit.KindFinding, audit.NoticeHeld, start.Add(6*time.Hour))
	s.Conclude()
	p := s.Runs[len(s.Runs)-1].Numbers.Providers["google"]
	p.Held, p.HoldReason = true, "212 new failures among 7,216 mailboxes (threshold 72)"
	s.hold("google", p.HoldReason, start)
	return night("held", s)
}

// hold has a guard hold the provider's mails, as the store tells it.
func (s *Store) hold(provider, why string, since time.Time) {
	s.Holds = append(s.Holds, audit.Hold{
		RunKey: since.Format(time.DateOnly), Provider: provider, Why: why, State: audit.HoldOpen, OpenedAt: since, Notices: 200,
	})
}

// StillHeld is a night on which nobody has decided yet on the hold of the night before.
func StillHeld() Night {
	s := store(302)
	s.ordinary()
	s.some(212, "google", audit.Revoked, audit.Revoked)
	s.some(3, "google", audit.Revoked, audit.Compliant)
	s.hold("google", "212 new failures among 7,007 mailboxes (threshold 67)", start.Add(-24*time.Hour))
	s.Noted = map[string]string{"trouble/the keyset opens none of the stored secrets of two tenants": "mount the keyset that sealed them"}
	s.Conclude()
	return night("still-held", s)
}

// Outage is a night on which a provider could not be reached and its results do not count; some accounts have
// been without an answer for long.
func Outage() Night {
	s := store(90)
	s.ordinary()
	s.some(3780, "microsoft", audit.Unverified, audit.Unproven)
	s.some(11, "other", audit.Unverified, audit.Unproven, func(f *audit.Finding) {
		f.TenantID, f.TenantName, f.Since = "T-2218", "Clinic 2218", start.Add(-9*24*time.Hour)
	})
	s.Conclude()
	p := s.Runs[len(s.Runs)-1].Numbers.Providers["microsoft"]
	p.Void, p.VoidReason = true, "3780 of 7551 mailboxes gave no response"
	return night("outage", s)
}

// month puts 27 nights before the last one.
func (s *Store) month() {
	last := s.Runs[len(s.Runs)-1]
	var before []audit.Run
	for i := range 27 {
		at := start.Add(time.Duration(i-27) * 24 * time.Hour)
		open := 70 + (i*7)%23 + i/2
		before = append(before, audit.Run{
			Key: at.Format(time.DateOnly), Seq: last.Seq - int64(27-i), Status: audit.RunConcluded, Phase: audit.PhaseDone,
			StartedAt: at, FinishedAt: at.Add(2 * time.Hour),
			Numbers: &audit.Numbers{Accounts: 12_000, Verified: 11_950 + i, Open: open, Changes: audit.Changes{NewlyFailing: i % 9, Recovered: i % 5}},
		})
	}
	before[26].Numbers.Open = 90
	s.Runs = append(before, last)
}

func Mismatch() Night {
	s := store(3)
	s.some(40, "google", audit.Compliant, audit.Compliant)
	s.some(3, "google", audit.Revoked, audit.Revoked)
	s.Conclude().Verdicts[audit.Compliant]++
	return night("mismatch", s)
}

func Narrowed() Night {
	s := store(90)
	s.some(12, "google", audit.Compliant, audit.Compliant)
	r := &s.Runs[len(s.Runs)-1]
	r.Scope = audit.Scope{Tenant: "T-7 <!here>"}
	s.Conclude()
	return night("narrowed", s)
}

func Running() Night {
	s := store(90)
	s.Runs[len(s.Runs)-1].Accounts = 500
	return night("running", s)
}
