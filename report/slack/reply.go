package slack

import (
	"context"

	"github.com/slack-go/slack"
)

// Say posts a line of its own in the channel. Errors are *[Error].
func (p *Poster) Say(ctx context.Context, text string) error {
	line := neutral(text, sectionMax)
	about := slack.SlackMetadata{EventType: saidType, EventPayload: map[string]any{"installation": p.Installation}}
	o := offer{p: p, about: about, compose: func(bool) Message { return Message{Text: line, Plain: line} }}
	_, err := o.make(ctx)
	return err
}

const saidType = "mailaudit_said" // of the metadata, so that no line is taken for a summary

// Reply puts a line into a message's thread. With a webhook, which has no threads, it does nothing. Errors are *[Error].
func (p *Poster) Reply(ctx context.Context, at Posted, text string) error {
	if p.api == nil || at.TS == "" {
		return nil
	}
	_, _, err := p.api.PostMessageContext(ctx, at.Channel, slack.MsgOptionText(escape(text), false), slack.MsgOptionTS(at.TS),
		slack.MsgOptionDisableLinkUnfurl())
	if err != nil {
		return understand(err)
	}
	return nil
}
