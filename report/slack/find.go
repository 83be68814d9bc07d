package slack

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"
)

const (
	pageSize = 200
	pagesMax = 25
	lookBack = 5 * time.Minute // for clocks that differ from Slack's
)

var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{6,}$`)

// Find looks in the channel's history for the run's message, posted after since. found is false if it is
// not there. Where nobody can look (a webhook, a channel by name, the scope channels:history or
// groups:history missing) the error is [ErrCannotLook]; other errors are *[Error]. A history that
// answers with trouble of Slack's own three times cannot be looked at either: a summary that may be there twice is better
// than none. A message that had to go without metadata is not found; the next [Poster.Post] remembers that it was looked for.
func (p *Poster) Find(ctx context.Context, runKey string, since time.Time) (at Posted, found bool, err error) {
	at, found, err = p.look(ctx, runKey, since)
	var e *Error
	if errors.As(err, &e) && e.Uncertain && e.Answered() && p.deaf.add(runKey) >= wholeTries {
		err = fmt.Errorf("%w: the channel's history answered %s each time", ErrCannotLook, e.Code)
	}
	if !found && (err == nil || errors.Is(err, ErrCannotLook)) {
		p.missed.add(runKey)
	}
	return at, found, err
}

func (p *Poster) look(ctx context.Context, runKey string, since time.Time) (at Posted, found bool, err error) {
	if p.api == nil {
		return at, false, fmt.Errorf("%w: a webhook does not tell", ErrCannotLook)
	}
	if !channelID.MatchString(p.Channel) {
		return at, false, fmt.Errorf("%w: slack.channel is a name; set the channel's id", ErrCannotLook)
	}
	params := slack.GetConversationHistoryParameters{
		ChannelID: p.Channel, Limit: pageSize, IncludeAllMetadata: true,
		Oldest: strconv.FormatInt(since.Add(-lookBack).Unix(), 10),
	}
	for range pagesMax {
		page, err := p.api.GetConversationHistoryContext(ctx, &params)
		if err != nil {
			return at, false, lookError(err)
		}
		for _, m := range page.Messages {
			if p.is(m.Metadata, runKey) {
				return Posted{Channel: p.Channel, TS: m.Timestamp}, true, nil
			}
		}
		params.Cursor = page.ResponseMetaData.NextCursor
		if !page.HasMore || params.Cursor == "" {
			return at, false, nil
		}
	}
	return at, false, fmt.Errorf("%w: the channel has more messages than are read", ErrCannotLook)
}

func (p *Poster) is(m slack.SlackMetadata, runKey string) bool {
	return m.EventType == eventType && m.EventPayload["run"] == runKey && m.EventPayload["installation"] == p.Installation
}

// ofToken are the answers that keep the token from anything at all, posts included.
var ofToken = []string{"not_authed", "invalid_auth", "token_revoked", "token_expired", "account_inactive", "two_factor_setup_required",
	"org_login_required", "team_access_not_granted", "accesslimited"}

// lookError tells what no later try can find out apart from what may pass, and from a token that cannot post
// either.
func lookError(err error) error {
	e := understand(err)
	switch {
	case slices.Contains([]string{"missing_scope", "not_in_channel", "channel_not_found", "not_allowed_token_type", "method_not_supported_for_channel_type"}, e.Code):
		return fmt.Errorf("%w: %s; give the Slack app the scope channels:history (private channels: groups:history)", ErrCannotLook, e.Code)
	case slices.Contains(ofToken, e.Code), slices.Contains(later, e.Code), slices.Contains(perhaps, e.Code), e.RetryAfter > 0, e.Code == "rate limited":
		return e
	case codeForm.MatchString(e.Code), slices.Contains([]string{"http 400", "http 403", "http 404", "http 405", "http 410", "http 501", notSlacks}, e.Code):
		// A policy, or a gateway in front of Slack that lets posts through and nothing else.
		return fmt.Errorf("%w: %s answers the request for the channel's history", ErrCannotLook, e.Code)
	}
	return e
}
