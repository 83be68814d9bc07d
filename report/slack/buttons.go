package slack

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"mailaudit/report"
)

// Buttons are under messages where serve takes clicks.
type Buttons struct {
	Installation string // another installation's clicks may arrive here too
}

// Do is what a button does.
type Do string

const (
	DoPreview Do = "mailaudit_preview"
	DoRelease Do = "mailaudit_release"
	DoDiscard Do = "mailaudit_discard"
	DoSample  Do = "mailaudit_sample"
	DoSnooze  Do = "mailaudit_snooze"
	DoExplain Do = "mailaudit_explain"
	DoStop    Do = "mailaudit_stop"
)

// About is what a button is about, as it goes to Slack and back.
type About struct {
	Installation string   `json:"i,omitempty"`
	Run          string   `json:"r"`
	Provider     string   `json:"p,omitempty"`   // of a hold
	IDs          []string `json:"ids,omitempty"` // to choose from: tenants to snooze, accounts to explain
}

const (
	valueMax  = 2000 // characters of a button's value
	optionMax = 75   // of an option's text and, in older workspaces, its value
)

func (c composer) about(provider string) About {
	return About{Installation: c.Buttons.Installation, Run: c.s.Run.Key, Provider: provider}
}

// button is nil where what it is about does not fit.
func button(do Do, label string, a About, style slack.Style) *slack.ButtonBlockElement {
	value, err := json.Marshal(a)
	if err != nil || utf8.RuneCount(value) > valueMax {
		return nil
	}
	b := slack.NewButtonBlockElement(string(do), string(value), slack.NewTextBlockObject(slack.PlainTextType, label, false, false))
	if style != "" {
		b.WithStyle(style)
	}
	return b
}

func buttons(all ...*slack.ButtonBlockElement) []slack.Block {
	var shown []slack.BlockElement
	for _, b := range all {
		if b != nil {
			shown = append(shown, b)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("", shown...)}
}

// holdButtons are those of the i-th open hold that is shown.
func (c composer) holdButtons(i int) []slack.Block {
	open := c.s.Undecided()
	if c.Buttons == nil || i >= min(len(open), holdsMax) {
		return nil
	}
	about := c.about(open[i].Provider)
	about.Run = open[i].RunKey
	return buttons(
		button(DoPreview, "Preview", about, ""),
		button(DoRelease, "Approve", about, slack.StylePrimary),
		button(DoDiscard, "Discard", about, slack.StyleDanger),
		button(DoSample, "Re-check a sample", about, ""),
	)
}

// findingButtons offer the tenants and accounts that the message names.
func (c composer) findingButtons() []slack.Block {
	if c.Buttons == nil {
		return nil
	}
	tenants, accounts := c.about(""), c.about("")
	for i, g := range groupFindings(c.s.New) {
		if i == groupsMax {
			break
		}
		tenants.offer(g.tenant)
		for _, account := range g.accounts[:min(len(g.accounts), idsMax)] {
			accounts.offer(account)
		}
	}
	var all []*slack.ButtonBlockElement
	if len(tenants.IDs) > 0 {
		all = append(all, button(DoSnooze, "Snooze tenant", tenants, ""))
	}
	if len(accounts.IDs) > 0 {
		all = append(all, button(DoExplain, "Explain", accounts, ""))
	}
	return buttons(all...)
}

// offer adds an id that can be chosen. One that is too long for Slack is left to the command line.
func (a *About) offer(id string) {
	if n := utf8.RuneCountInString(id); n > 0 && n <= optionMax && report.Plain(id) == id && !slices.Contains(a.IDs, id) {
		a.IDs = append(a.IDs, id)
	}
}

func (c composer) stopButton() []slack.Block {
	if c.Buttons == nil {
		return nil
	}
	return buttons(button(DoStop, "Stop mails", c.about(""), ""))
}
