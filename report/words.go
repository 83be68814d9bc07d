package report

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mailaudit/audit"
)

// Count writes a number with its thousands apart: 12,408.
func Count(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Number writes a count with its noun.
func Number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Accounts writes a count of accounts.
func Accounts(n int) string { return Number(n, "account", "accounts") }

// Percent writes a share, rounded down, so that 100 % is said only where nothing is missing.
func Percent(part, whole int) string {
	if whole <= 0 {
		return "0 %"
	}
	hundredths := int(int64(part) * 10_000 / int64(whole))
	out := strconv.FormatFloat(float64(hundredths)/100, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(out, "0"), ".") + " %"
}

// Words writes a name from the program's own lists for people: "app password required".
func Words[T ~string](name T) string { return strings.ReplaceAll(string(name), "_", " ") }

// Capital writes a text with a capital first.
func Capital(name string) string {
	_, size := utf8.DecodeRuneInString(name)
	return strings.ToUpper(name[:size]) + name[size:]
}

// Night is the local date on which the run started: "Mon 23 Nov". A key of the operator's own choosing is
// named too; one that is a date may be another's, since a night is called by where most of it lies.
func (s *Summary) Night() string {
	day := s.Run.StartedAt.In(s.Zone).Format("Mon 2 Jan")
	if _, err := time.Parse(time.DateOnly, s.Run.Key); err == nil {
		return day
	}
	return s.Run.Key + ", " + day
}

// Span is when the run worked: "03:00–05:10 CST".
func (s *Summary) Span() string {
	from, to := s.Run.StartedAt.In(s.Zone), s.Run.FinishedAt.In(s.Zone)
	switch {
	case s.Run.FinishedAt.IsZero():
		return "since " + from.Format("15:04 MST")
	case to.Sub(from) >= 24*time.Hour:
		return from.Format("15:04") + "–" + to.Format("Mon 2 Jan 15:04 MST")
	}
	return from.Format("15:04") + "–" + to.Format("15:04 MST")
}

// Clock writes a moment that is near: "Tue 03:00 CST", with the date where it is not within a week.
func (s *Summary) Clock(t time.Time) string {
	layout := "Mon 15:04 MST"
	if d := t.Sub(s.Now()); d > 6*24*time.Hour || d < -6*24*time.Hour {
		layout = "Mon 2 Jan 15:04 MST"
	}
	return t.In(s.Zone).Format(layout)
}

// Before names the run that this one is compared with: "yesterday", or its night.
func (s *Summary) Before() string {
	if s.Previous == nil {
		return ""
	}
	if s.Run.StartedAt.Sub(s.Previous.StartedAt) < 36*time.Hour {
		return "yesterday"
	}
	return "on " + s.Previous.StartedAt.In(s.Zone).Format("Mon 2 Jan")
}

// Headline is the state of the night in a few words.
func (s *Summary) Headline() string {
	switch {
	case len(s.Mismatch) > 0:
		return "Do not use this report: its numbers do not add up"
	case s.Run.Status == audit.RunStopped:
		return "STOPPED: nothing was verified"
	case s.Run.Status == audit.RunIncomplete:
		return "NOT FINISHED"
	case s.Run.Status == audit.RunRunning:
		return "Running"
	}
	if held := s.held(); held != "" {
		return held
	}
	if s.empty() {
		return "No account in the source"
	}
	if all := s.refusedByUs(); len(all) > 0 {
		return "All " + all[0].text() + " refused by our own checks"
	}
	if s.Uncovered() {
		return "Only " + Percent(s.Numbers.Verified, s.Expected()) + " verified"
	}
	if n := len(s.Actions); n > 0 {
		return Number(n, "action", "actions") + " for Ops"
	}
	return "Nothing to do"
}

// held is the decision that the run asks for: "Approve or discard 29 Microsoft e-mails"; "" where there is none.
func (s *Summary) held() string {
	var names []string
	waiting := 0
	for _, h := range s.Undecided() {
		names, waiting = append(names, h.Title), waiting+h.Waiting
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "Approve or discard " + Count(waiting) + " " + names[0] + " " + plural(waiting, "e-mail", "e-mails")
	}
	return "Approve or discard " + Number(waiting, "e-mail", "e-mails") + ": " + strings.Join(names, ", ")
}

// Coverage says how many mailboxes there were and how many were checked.
func (s *Summary) Coverage() string {
	return Accounts(s.Expected()) + ", " + Percent(s.Numbers.Verified, s.Expected()) + " verified"
}

// OpenBefore is the number of open findings to compare with: "yesterday 90"; "" where comparing would
// mislead, since one of the runs is not whole.
func (s *Summary) OpenBefore() string {
	if !s.Finished() || s.Previous == nil || s.Previous.Numbers == nil || !s.Run.Scope.Whole() {
		return ""
	}
	return s.Before() + " " + Count(s.Previous.Numbers.Open)
}

// ChangeLine says what changed since the last run.
func (s *Summary) ChangeLine() []string {
	c := s.Numbers.Changes
	open := "open " + Count(s.Numbers.Open)
	if before := s.OpenBefore(); before != "" {
		open += " (" + before + ")"
	}
	return []string{"new " + Count(c.NewlyFailing), "recovered " + Count(c.Recovered), open}
}

// MailLine says what the customers are told, of which kinds, and when; "" if there is nothing to say.
func (s *Summary) MailLine() string { return s.mailLine(true) }

// MailCount is MailLine without the kinds.
func (s *Summary) MailCount() string { return s.mailLine(false) }

func (s *Summary) mailLine(kinds bool) string {
	m := s.Mails.States
	var parts []string
	say := func(state audit.NoticeState, one, many, then string) {
		n := m[state]
		if n == 0 {
			return
		}
		text := Number(n, one, many)
		switch of := s.Mails.Kinds(state); {
		case !kinds || len(of) == 0:
		case len(of) == 1 && n > 1:
			then += ": all " + strings.TrimPrefix(of[0], Count(n)+" ")
		default:
			then += ": " + strings.Join(of, ", ")
		}
		parts = append(parts, text+then)
	}
	say(audit.NoticeShadowed, "e-mail not sent", "e-mails not sent", " (shadow mode)")
	say(audit.NoticeQueued, "e-mail scheduled", "e-mails scheduled", s.from())
	say(audit.NoticeSent, "e-mail sent", "e-mails sent", "")
	say(audit.NoticeHeld, "e-mail on hold", "e-mails on hold", "")
	if n := m[audit.NoticeSuppressed]; n > 0 {
		parts = append(parts, Count(n)+" suppressed")
	}
	if len(parts) == 0 && s.Mode == audit.ModeOff && s.Numbers.Open > 0 {
		return "e-mails are switched off (notices.mode: off)"
	}
	return strings.Join(parts, "; ")
}

func (s *Summary) from() string {
	first, last := s.Mails.Due()
	now := s.Now()
	switch {
	case first.IsZero():
		return ""
	case !last.After(now):
		return " now"
	}
	text := " from now on"
	if first.After(now) {
		text = " for " + s.Clock(first)
	}
	if last.Sub(first) >= 24*time.Hour {
		text += " and later"
	}
	if s.MailsPerRun > 0 && s.Mails.States[audit.NoticeQueued] > s.MailsPerRun {
		text += ", at most " + Count(s.MailsPerRun) + " a run"
	}
	return text
}

// FactorLine is what is known of the accepted accounts; "compliant" alone would claim too much.
func (s *Summary) FactorLine() string {
	var parts []string
	for _, c := range s.SecondFactor() {
		parts = append(parts, c.Name+" "+Count(c.Count))
	}
	line := "Accepted " + Count(s.Accepted) + ": 2FA " + strings.Join(parts, ", ")
	if n := s.Numbers.Verdicts[audit.SingleFactor]; n > 0 {
		line += "; " + Count(n) + " with an ordinary password"
	}
	return line
}

// RunURL is where the run's page stands under the configured address of report.dir; "" if that is not an
// address that a browser opens.
func RunURL(base, key string) string {
	u, err := url.Parse(base)
	if err != nil || key == "" || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	u.Path = path.Join("/", u.Path, key, PageFile)
	u.RawPath = ""
	return u.String()
}
