package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"mailaudit/audit"
)

const (
	textWidth = 80
	textLines = 20 // of each list; the files have the rest
)

// WriteText writes the report for a terminal, 80 columns wide, in colour where the options say so.
func (s *Summary) WriteText(w io.Writer) error {
	t := textWriter{w: bufio.NewWriter(w), colour: s.Colour}
	s.textHead(&t)
	s.textHolds(&t)
	s.textActions(&t)
	s.textProviders(&t)
	s.textVerdicts(&t)
	s.textNew(&t)
	s.textReversed(&t)
	s.textContradicted(&t)
	s.textUnanswered(&t)
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write text report: %w", err)
	}
	return nil
}

func (s *Summary) textHead(t *textWriter) {
	t.ink(levelInk[s.Level], func() { t.wrap("", s.Headline()) })
	t.wrap("", strings.Join(append([]string{"Run " + s.Run.Key, string(s.Run.Status), s.Night() + " " + s.Span()}, s.Scope()...), " - "))
	coverage := s.Coverage()
	if s.Carried > 0 {
		coverage += " (" + Count(s.Carried) + " not re-checked, last result kept)"
	}
	if line := s.TrafficLine(); line != "" {
		coverage += " (" + line + ")"
	}
	t.wrap("", coverage)
	t.wrap("", strings.Join(s.ChangeLine(), ", "))
	if line := s.ActorLine(); line != "" {
		t.wrap("", line)
	}
	t.wrap("", s.FactorLine())
	if line := s.AttestedLine(); line != "" {
		t.wrap("", line)
	}
	if line := s.MailLine(); line != "" {
		t.wrap("", line)
	}
	if line := s.TrendLine(); line != "" {
		t.wrap("", line)
	}
	if line := s.QualityLine(); line != "" {
		t.wrap("", line)
	}
	for _, ahead := range s.Ahead {
		t.wrap("coming: ", ahead)
	}
	if !s.NextRun.IsZero() {
		t.wrap("", "next run "+s.Clock(s.NextRun))
	}
	if s.PageURL != "" {
		t.line(Plain(s.PageURL))
	}
	for _, m := range s.Mismatch {
		t.ink(inkAlarm, func() { t.wrap("! ", m) })
	}
}

// textHolds leads with what a person decides on, and how.
func (s *Summary) textHolds(t *textWriter) {
	for _, h := range s.Holds {
		t.title("On hold: " + Plain(h.Title))
		if !h.Open() {
			t.wrap("", h.Decided)
			continue
		}
		why := h.Why
		if h.Rules != "" {
			why += ", " + h.Rules
		}
		t.wrap("", why)
		for _, sign := range h.Signs() {
			t.wrap("", sign)
		}
		if h.Waiting == 0 {
			t.wrap("", "no e-mail is on hold: nothing to approve")
			continue
		}
		t.wrap("", Number(h.Waiting, "e-mail", "e-mails")+" on hold since "+h.Since.In(s.Zone).Format("Mon 2 Jan")+", awaiting approval")
		for _, step := range h.Steps() {
			t.wrap(pad(step.Name, 8), "mailaudit "+step.Command)
			t.wrap("        ", step.Effect)
		}
	}
}

func (s *Summary) textActions(t *textWriter) {
	if len(s.Actions) == 0 {
		return
	}
	t.title("Actions for Ops")
	for i, a := range s.Actions {
		t.wrap(fmt.Sprintf("%2d. ", i+1), a.Text)
		if a.Fix != "" {
			t.wrap("    ", a.Fix)
		}
		if a.Command != "" {
			t.line("    mailaudit " + a.Command)
		}
	}
}

// failingInk has what fails stand out.
func failingInk(p Provider) string {
	switch {
	case p.New > 0:
		return inkAlarm
	case p.NoAnswer > 0:
		return inkWork
	}
	return ""
}

func (s *Summary) textProviders(t *textWriter) {
	if len(s.Providers) == 0 {
		return
	}
	t.title("Providers")
	format := "%s %10s %10s %10s %11s %8s %9s"
	t.line(fmt.Sprintf(format, pad("", 16), "accounts", "OK", "failing", "unverified", "new", "recovered"))
	for _, p := range s.Providers {
		t.inked(failingInk(p), fmt.Sprintf(format, pad(Plain(p.Title), 16), Count(p.Accounts), Count(p.Fine), Count(p.Failing), Count(p.NoAnswer), Count(p.New), Count(p.Back)))
	}
	if len(s.Providers) > 1 {
		a := s.Total()
		t.line(fmt.Sprintf(format, pad("All", 16), Count(a.Accounts), Count(a.Fine), Count(a.Failing), Count(a.NoAnswer), Count(a.New), Count(a.Back)))
	}
}

func (s *Summary) textVerdicts(t *textWriter) {
	if s.Numbers.Accounts == 0 {
		return
	}
	t.title("Verdicts")
	for _, v := range audit.Verdicts {
		if n := s.Numbers.Verdicts[v]; n > 0 {
			t.line(fmt.Sprintf("%s %10s", pad(string(v), 24), Count(n)))
		}
	}
}

func (s *Summary) textNew(t *textWriter) {
	total := s.Numbers.Changes.NewlyFailing
	if total == 0 || len(s.New) == 0 {
		return
	}
	t.title("New failures")
	shown := s.New[:min(len(s.New), textLines)]
	account, verdict := 0, 0
	for _, f := range shown {
		account = max(account, min(36, cells(Plain(f.AccountID))))
		verdict = max(verdict, len(f.Verdict))
	}
	tenant := min(36, textWidth-account-verdict-11-3)
	for _, f := range shown {
		t.line(strings.Join([]string{
			pad(Plain(f.AccountID), account), pad(string(f.Verdict), verdict),
			pad(Plain(s.ProviderTitle(f.Provider)), 11), pad(Plain(f.TenantID), tenant),
		}, " "))
	}
	t.more(total - len(shown))
}

func (s *Summary) textUnanswered(t *textWriter) {
	if u := s.Numbers.Unknown; len(u) > 0 {
		t.title("Unrecognized replies")
		for i, r := range u {
			if i == textLines {
				break
			}
			t.wrap(fmt.Sprintf("%7s %s ", Count(r.Count), pad(s.ProviderTitle(r.Provider), 10)), r.Reply)
			t.line("        mailaudit rules propose " + r.ID())
		}
		t.more(len(u) - textLines)
	}
	if len(s.NoAnswer) > 0 {
		t.title("Unverified")
		for i, q := range s.NoAnswer {
			if i == textLines {
				break
			}
			t.wrap(fmt.Sprintf("%7s %s ", Count(q.Count), pad(s.ProviderTitle(q.Provider), 10)), q.Why())
		}
		t.more(len(s.NoAnswer) - textLines)
	}
	if len(s.Chronic) > 0 {
		t.title("No response for 3 nights or more")
		for i, c := range s.Chronic {
			if i == textLines {
				break
			}
			t.wrap(fmt.Sprintf("%7s %s ", Count(c.Accounts), pad(s.ProviderTitle(c.Provider), 10)),
				strings.TrimSpace(c.Host+" "+c.Cause)+", since "+c.Since.In(s.Zone).Format("Mon 2 Jan"))
		}
		t.more(len(s.Chronic) - textLines)
	}
}

// Inks are ANSI colours; bold stands for headings.
const (
	inkBold  = "1"
	inkAlarm = "1;31"
	inkWork  = "33"
)

var levelInk = map[Level]string{LevelAlarm: inkAlarm, LevelWork: "1;33", LevelCalm: "1;32", LevelRunning: inkBold}

// textWriter writes lines for a terminal. bufio keeps the first error.
type textWriter struct {
	w      *bufio.Writer
	colour bool
	now    string // the ink in use
}

// ink has what write says in a colour, line by line, so that a pager that shows a part shows it right.
func (t *textWriter) ink(ink string, write func()) {
	before := t.now
	t.now = ink
	write()
	t.now = before
}

func (t *textWriter) inked(ink, text string) { t.ink(ink, func() { t.line(text) }) }

func (t *textWriter) line(text string) {
	text = strings.TrimRight(text, " ")
	if t.colour && t.now != "" && text != "" {
		text = "\x1b[" + t.now + "m" + text + "\x1b[0m"
	}
	fmt.Fprintln(t.w, text)
}

func (t *textWriter) title(text string) {
	t.line("")
	t.inked(inkBold, text)
}

func (t *textWriter) more(n int) {
	if n > 0 {
		t.line("+" + Count(n) + " more: mailaudit report --format csv")
	}
}

// wrap writes text behind a prefix, folded at the width, the further lines under the first.
func (t *textWriter) wrap(prefix, text string) {
	indent := strings.Repeat(" ", cells(prefix))
	line := prefix
	empty := true
	for _, word := range strings.Fields(Plain(text)) {
		for len(word) > 0 {
			room := textWidth - cells(line)
			if !empty {
				room--
			}
			head := word
			if cells(word) > room {
				if !empty {
					t.line(line)
					line, empty = indent, true
					continue
				}
				head = Cut(word, room)
			}
			if !empty {
				line += " "
			}
			line, empty, word = line+head, false, word[len(head):]
		}
	}
	t.line(line)
}
