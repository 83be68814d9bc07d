package slack

import (
	"context"
	"github.com/slack-go/slack"

	"mailaudit/report"
)

const (
	unrecognizedMost = 10  // wordings that the thread names
	wordingMost      = 160 // runes of one
)

// Unrecognized puts the replies that no rule knows into the message's thread: each wording without what varies, and the
// command that drafts a rule for it. With a webhook, or without such a reply, it does nothing. Errors are *[Error].
func (p *Poster) Unrecognized(ctx context.Context, s *report.Summary, at Posted) error {
	text := unrecognized(s, p.Layout)
	if p.api == nil || at.TS == "" || text == "" {
		return nil
	}
	_, _, err := p.api.PostMessageContext(ctx, at.Channel, slack.MsgOptionTS(at.TS), slack.MsgOptionText(text, false),
		slack.MsgOptionParse(false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if err != nil {
		return understand(err)
	}
	return nil
}

func unrecognized(s *report.Summary, l Layout) string {
	all := s.Numbers.Unknown
	if len(all) == 0 {
		return ""
	}
	lines := []string{"*Unrecognized replies*: counted as unverified, nobody is notified. Each command drafts a rule."}
	for _, u := range all[:min(len(all), unrecognizedMost)] {
		lines = append(lines, "• "+neutral(s.ProviderTitle(u.Provider), idMax)+", "+report.Accounts(u.Count)+": “"+
			neutral(u.Wording, wordingMost)+"” → "+command(l.CommandPrefix, "rules propose "+u.ID()))
	}
	if more := len(all) - unrecognizedMost; more > 0 {
		lines = append(lines, "+"+report.Count(more)+" more: "+command(l.CommandPrefix, "rules propose"))
	}
	return joinWithin(lines, textMax)
}
