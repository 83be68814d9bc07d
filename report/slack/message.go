package slack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"mailaudit/audit"
	"mailaudit/report"
)

// Layout is how a message is laid out for its readers.
type Layout struct {
	Names         bool   // slack.show: names
	CommandPrefix string // slack.command_prefix
	MayRepeat     bool   // the run may have been posted already, and nobody could look
	Buttons       *Buttons
}

// Message is a run's summary as Slack takes it.
type Message struct {
	Text   string // what a notification shows
	Plain  string // all of it without blocks, for the case that Slack refuses these
	Blocks []slack.Block
}

const (
	separator   = " · "
	stopCommand = "notices stop --by YOU"
)

// firstCounts finds the numbers of "new 7 · recovered 4 · open 93 (yesterday 90)" that are set in bold.
var firstCounts = regexp.MustCompile(`((?i:new|recovered|open) )([\d,]+)`)

// Compose lays the summary out. It names no mailbox, no contact, no customer's host and no provider's
// words, and stays within Slack's limits.
func Compose(s *report.Summary, l Layout) Message {
	c := composer{s, l}
	if s.Quiet() {
		line := c.quiet()
		return Message{
			Text:   cutMarked(stripLinks(line), shortTextMax),
			Plain:  line,
			Blocks: append([]slack.Block{slack.NewContextBlock("", mrkdwn(line))}, c.stopButton()...),
		}
	}
	m := Message{}
	var plain []string
	say := func(part string, block slack.Block) { m.Blocks, plain = append(m.Blocks, block), append(plain, part) }
	head := c.head()
	for i, part := range c.holds() {
		say(part, section(part))
		m.Blocks = append(m.Blocks, c.holdButtons(i)...)
	}
	for _, part := range []string{head, c.decided(), c.actions()} {
		if part != "" {
			say(part, section(part))
		}
	}
	if part := c.newFindings(); part != "" {
		say(part, section(part))
		m.Blocks = append(m.Blocks, c.findingButtons()...)
	}
	short, _, _ := strings.Cut(head, ". Stop: ") // a command that is cut short is none
	if len(s.Undecided()) > 0 {
		short = firstLines(plain[0], 2) + "\n" + short
	}
	m.Text = cutMarked(stripLinks(short), shortTextMax)
	if len(s.Providers) > 0 {
		rows := c.rows()
		say(fence(rows), table(rows))
	}
	if block := chart(s); block != nil {
		say(escape(report.Capital(s.TrendLine())), block)
	}
	foot := c.foot()
	say(foot, slack.NewContextBlock("", mrkdwn(foot)))
	m.Blocks = append(m.Blocks, c.stopButton()...)
	m.Plain = joinWithin(plain, textMax)
	return m
}

type composer struct {
	s *report.Summary
	Layout
}

// head is what is read in five seconds.
func (c composer) head() string {
	s := c.s
	first := []string{c.mark() + " *" + neutral(s.Headline(), headlineMax) + "*", neutral(s.Night(), 90) + " " + escape(s.Span())}
	if len(s.Undecided()) > 0 {
		first = []string{"*Rest of the run* " + escape(s.Span())} // the decision has led already, and with the date
	}
	if s.Expected() > 0 {
		first = append(first, s.Coverage())
	}
	for _, part := range s.Scope() {
		first = append(first, neutral(part, nameMax))
	}
	if len(s.Undecided()) == 0 {
		first = append(first, c.afterwards()...)
	}
	lines := []string{strings.Join(first, separator)}
	if s.Numbers.Accounts > 0 {
		changes := s.ChangeLine()
		if s.Previous == nil {
			changes = append([]string{"first run (baseline)"}, changes...)
		}
		lines = append(lines, firstCounts.ReplaceAllString(report.Capital(strings.Join(changes, separator)), "$1*$2*"))
	}
	if line := s.ActorLine(); line != "" {
		lines = append(lines, report.Capital(line))
	}
	if line := s.MailLine(); line != "" {
		line = escape(report.Capital(line))
		if s.Mails.States[audit.NoticeQueued] > 0 {
			line += ". Stop: " + command(c.CommandPrefix, stopCommand)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// firstLines returns the first n lines of a text.
func firstLines(text string, n int) string {
	lines := strings.SplitN(text, "\n", n+1)
	return strings.Join(lines[:min(len(lines), n)], "\n")
}

// quiet is a whole night in one line.
func (c composer) quiet() string {
	s := c.s
	parts := []string{
		c.mark() + " " + s.Headline(), neutral(s.Night(), 90), s.Coverage(),
		strings.Join(s.ChangeLine(), ", "),
	}
	if line := s.MailCount(); line != "" {
		parts = append(parts, escape(line))
	}
	for _, line := range []string{s.QualityLine(), s.TrafficLine()} {
		if line != "" {
			parts = append(parts, escape(line))
		}
	}
	parts = append(parts, c.coming()...)
	if !s.NextRun.IsZero() {
		parts = append(parts, "next run "+escape(s.Clock(s.NextRun)))
	}
	return strings.Join(append(parts, c.afterwards()...), separator)
}

func (c composer) mark() string {
	switch c.s.Level {
	case report.LevelAlarm:
		return "🔴"
	case report.LevelWork:
		return "🟠"
	case report.LevelRunning:
		return "🔵"
	}
	return "🟢"
}

func (c composer) afterwards() []string {
	var parts []string
	if l := link(c.s.PageURL, "report"); l != "" {
		parts = append(parts, l)
	}
	if c.MayRepeat {
		parts = append(parts, "may be a repeat")
	}
	return parts
}

func (c composer) actions() string {
	all := slices.DeleteFunc(slices.Clone(c.s.Actions), func(a report.Action) bool { return a.Kind == report.ActionHeld })
	if len(all) == 0 {
		return ""
	}
	lines := []string{"*Actions for Ops*"}
	shown := all[:min(len(all), actionsMax)]
	for i, a := range shown {
		line := fmt.Sprintf("%d. %s", i+1, neutral(a.Text, sentenceMax))
		if a.Fix != "" {
			line += " → " + neutral(a.Fix, sentenceMax)
		}
		if more := link(c.pageSection(a.Section), "report"); more != "" {
			line += " →\u00a0" + more
		} else if a.Command != "" {
			line += " → " + command(c.CommandPrefix, a.Command)
		}
		lines = append(lines, line)
	}
	if more := len(all) - len(shown); more > 0 {
		lines = append(lines, c.more(more, "us"))
	}
	return joinWithin(lines, sectionMax)
}

// pageSection is where the page tells more; "" if there is no page or no such section.
func (c composer) pageSection(section string) string {
	if c.s.PageURL == "" || section == "" {
		return ""
	}
	return c.s.PageURL + "#" + section
}

// newFindings names tonight's new findings by tenant, the largest groups first.
func (c composer) newFindings() string {
	total := c.s.Numbers.Changes.NewlyFailing
	groups := groupFindings(c.s.New)
	if total == 0 || len(groups) == 0 {
		return ""
	}
	lines := []string{"*New failures*"}
	shown := 0
	for i, g := range groups {
		if i == groupsMax {
			break
		}
		shown += len(g.accounts)
		lines = append(lines, "• "+c.tenant(g)+" "+neutral(c.s.ProviderTitle(g.provider), idMax)+", "+report.Words(g.verdict)+": "+ids(g.accounts))
	}
	if more := total - shown; more > 0 {
		lines = append(lines, c.more(more, "new"))
	}
	return joinWithin(lines, sectionMax)
}

func (c composer) tenant(g group) string {
	if c.Names && strings.TrimSpace(g.tenantName) != "" {
		return neutral(g.tenantName, nameMax) + " (" + id(g.tenant) + ")"
	}
	return id(g.tenant)
}

// more says how many are left out, and where they are if there is a page. The foot names the command.
func (c composer) more(n int, section string) string {
	text := "+" + report.Count(n) + " more"
	if more := link(c.pageSection(section), "report"); more != "" {
		text += " →\u00a0" + more
	}
	return text
}

func (c composer) coming() []string {
	var parts []string
	for _, ahead := range c.s.Ahead[:min(len(c.s.Ahead), aheadMax)] {
		parts = append(parts, "coming: "+neutral(ahead, sentenceMax))
	}
	return parts
}

func (c composer) foot() string {
	var parts []string
	if c.s.Numbers.Accounts > 0 {
		parts = append(parts, escape(c.s.FactorLine()))
	}
	if line := c.s.AttestedLine(); line != "" {
		parts = append(parts, escape(line))
	}
	if line := c.s.TrafficLine(); line != "" {
		parts = append(parts, escape(line))
	}
	if c.s.Carried > 0 {
		parts = append(parts, report.Count(c.s.Carried)+" not re-checked, last result kept")
	}
	if line := c.s.QualityLine(); line != "" {
		parts = append(parts, escape(line))
	}
	parts = append(parts, c.coming()...)
	if !c.s.NextRun.IsZero() {
		parts = append(parts, "next run "+escape(c.s.Clock(c.s.NextRun)))
	}
	if c.s.PageURL == "" {
		parts = append(parts, "details: "+command(c.CommandPrefix, "report "+c.s.Run.Key))
	}
	if len(parts) == 0 {
		parts = append(parts, "run "+id(c.s.Run.Key))
	}
	return strings.Join(parts, separator)
}

// metadata names the run, so that [Poster.Find] knows the message again.
func metadata(run audit.Run, installation string) slack.SlackMetadata {
	return slack.SlackMetadata{EventType: eventType, EventPayload: map[string]any{"run": run.Key, "installation": installation}}
}

// Payload is the message as JSON, the way chat.postMessage takes it, for people to look at.
func Payload(s *report.Summary, l Layout) ([]byte, error) {
	m := Compose(s, l)
	data, err := json.MarshalIndent(struct {
		Text        string        `json:"text"`
		Blocks      []slack.Block `json:"blocks"`
		UnfurlLinks bool          `json:"unfurl_links"`
		UnfurlMedia bool          `json:"unfurl_media"`
	}{Text: m.Text, Blocks: m.Blocks}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write Slack payload: %w", err)
	}
	return append(data, '\n'), nil
}
