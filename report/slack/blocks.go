package slack

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"mailaudit/report"
)

// mrkdwn is text with Slack's markup. What came from outside has passed [neutral], [id] or [command].
func mrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, false)
}

func section(text string) *slack.SectionBlock { return slack.NewSectionBlock(mrkdwn(text), nil, nil) }

// rows are the providers' numbers with their heading and their sum. Many providers are folded into one
// row, so that the columns still add up.
func (c composer) rows() [][]string {
	out := [][]string{{"Provider", "accounts", "OK", "failing", "unverified", "new", "recovered"}}
	rest := report.Provider{}
	folded := 0
	for i, p := range c.s.Providers {
		if i >= rowsMax-1 && len(c.s.Providers) > rowsMax {
			rest = rest.Add(p)
			folded++
			continue
		}
		title := p.Title
		switch {
		case c.s.HeldNow(p.Name):
			title += " (on hold)"
		case p.Void:
			title += " (inconclusive)"
		}
		out = append(out, row(title, p))
	}
	if folded > 0 {
		out = append(out, row(fmt.Sprintf("%d more", folded), rest))
	}
	if len(c.s.Providers) > 1 {
		out = append(out, row("All", c.s.Total()))
	}
	return out
}

func row(title string, p report.Provider) []string {
	out := []string{cut(report.Plain(title), cellMax)}
	for _, n := range [...]int{p.Accounts, p.Fine, p.Failing, p.NoAnswer, p.New, p.Back} {
		out = append(out, report.Count(n))
	}
	return out
}

// table shows rows as Slack's own table: its cells know no markup, and it scrolls on a phone. The numbers
// are text, since Slack has refused number cells with invalid_blocks.
func table(rows [][]string) *slack.TableBlock {
	t := slack.NewTableBlock("")
	settings := make([]slack.ColumnSetting, len(rows[0]))
	for i := range settings {
		settings[i].Align = slack.ColumnAlignmentRight
	}
	settings[0].Align = slack.ColumnAlignmentLeft
	for _, r := range rows {
		line := make([]slack.TableCell, len(r))
		for i, text := range r {
			line[i] = slack.NewTableRawTextCell(text)
		}
		t.AddRow(line...)
	}
	return t.WithColumnSettings(settings...)
}

// fence shows rows in fixed width.
func fence(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, text := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var out strings.Builder
	for _, r := range rows {
		for i, text := range r {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if i == 0 {
				out.WriteString(text + space)
			} else {
				out.WriteString("  " + space + text)
			}
		}
		out.WriteByte('\n')
	}
	return "```\n" + strings.ReplaceAll(escape(out.String()), "`", "'") + "```"
}

// link is a link to an address of the operator's, "" where there is none that a browser opens.
func link(address, label string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	address = strings.NewReplacer("|", "%7C", " ", "%20", "<", "%3C", ">", "%3E").Replace(u.String())
	return "<" + escape(address) + "|" + label + ">"
}

var linkForm = regexp.MustCompile(` · <[^<>|]*\|([^<>]*)>`)

// stripLinks leaves links out of what a notification shows.
func stripLinks(text string) string { return linkForm.ReplaceAllString(text, "") }

// joinWithin joins lines as long as all of them fit, and says how many did not.
func joinWithin(lines []string, max int) string {
	const reserve = 40
	out, used := []string{}, 0
	for i, line := range lines {
		n := utf8.RuneCountInString(line) + 1
		if used+n > max-reserve && i > 0 {
			return strings.Join(append(out, "+"+report.Count(len(lines)-i)+" more"), "\n")
		}
		out, used = append(out, line), used+n
	}
	return strings.Join(out, "\n")
}
