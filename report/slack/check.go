package slack

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// Checked is what Slack says to our credential.
type Checked struct {
	Team    string // "" for a webhook
	Bot     string
	Channel string // its name, where Slack tells it
	// Notes are what does not keep a summary from being posted and is worth fixing all the same.
	Notes []string
}

// Check asks whether a summary would be taken, and posts nothing. Errors are *[Error].
func (p *Poster) Check(ctx context.Context) (Checked, error) {
	if p.api == nil {
		return Checked{}, p.checkHook(ctx)
	}
	who, err := p.api.AuthTestContext(ctx)
	if err != nil {
		e := understand(err)
		if e.Code == unknownMethod {
			return Checked{Notes: []string{"slack.api_url does not know auth.test, so token and channel are not checked"}}, nil
		}
		return Checked{}, e
	}
	c := Checked{Team: who.Team, Bot: who.User}
	if err := checkScopes(who.Header, &c); err != nil {
		return c, err
	}
	if err := p.checkChannel(ctx, &c); err != nil {
		return c, err
	}
	p.checkBlocks(ctx, &c)
	_, _, err = p.Find(ctx, "", time.Now())
	if errors.Is(err, ErrCannotLook) {
		c.note(err.Error())
		return c, nil
	}
	return c, err
}

func (c *Checked) note(text string) { c.Notes = append(c.Notes, text) }

const (
	unknownMethod = "unknown_method"
	unchecked     = "slack.api_url does not answer conversations.info as Slack does, so the channel is not checked"
)

// checkScopes reads what the token may do from the header that Slack answers every call with (docs.slack.dev,
// Installing with OAuth, "X-OAuth-Scopes"); a gateway that leaves it out tells nothing.
func checkScopes(h http.Header, c *Checked) error {
	granted := strings.FieldsFunc(h.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case len(granted) == 0, slices.Contains(granted, "chat:write") && slices.Contains(granted, "files:write"):
	case !slices.Contains(granted, "chat:write"):
		return refusal("missing_scope")
	default:
		c.note("the list of findings cannot be put beside the summary; give the Slack app the scope files:write and install it again")
	}
	return nil
}

// checkChannel asks for the channel, where it is given by id: a name cannot be asked for.
func (p *Poster) checkChannel(ctx context.Context, c *Checked) error {
	if !channelID.MatchString(p.Channel) {
		return nil
	}
	info, err := p.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: p.Channel})
	if err != nil {
		e := understand(err)
		switch e.Code {
		case "missing_scope":
			c.note("the channel cannot be looked at; give the Slack app the scope channels:read (private channels: groups:read)")
			return nil
		case unknownMethod, notSlacks:
			c.note(unchecked)
			return nil
		}
		return e
	}
	if info.ID == "" {
		c.note(unchecked)
		return nil
	}
	c.Channel = info.Name
	switch {
	case info.IsArchived:
		return refusal("is_archived")
	case !info.IsMember && !info.IsIM:
		return refusal("not_in_channel")
	}
	return nil
}

// checkHook sends a message without a text: a webhook that lives refuses it for that (docs.slack.dev, Sending
// messages using incoming webhooks, Handling errors: no_text, invalid_payload), one that is gone by its own words.
func (p *Poster) checkHook(ctx context.Context) error {
	err := p.hook(ctx, Message{})
	switch {
	case err == nil, err.Code == "no_text", err.Code == "invalid_payload":
		return nil
	}
	return err
}
