package slack

import (
	"context"

	"github.com/slack-go/slack"
)

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
