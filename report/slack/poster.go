package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"mailaudit/providers"
	"mailaudit/providers/web"
	"mailaudit/report"
)

const (
	eventType = "mailaudit_run" // of the metadata
	timeout   = 30 * time.Second
	patience  = time.Minute // the longest Retry-After that is waited for; a longer one is the caller's
	tries     = 3
)

// Config says where summaries go. Token and Channel, or Webhook alone.
type Config struct {
	Token        providers.Secret
	Channel      string // its id; with a name [Poster.Find] cannot look
	Webhook      providers.Secret
	APIURL       string            // "": Slack's own; https, or http to loopback
	Installation string            // two installations may share a channel
	Transport    http.RoundTripper // nil: http.DefaultTransport
	Layout
}

// Posted is where a summary stands.
type Posted struct {
	Channel string // "" for a webhook, which does not say
	TS      string // "" where the answer does not say
	Plain   bool   // Slack refused the blocks and took the plain text
}

// Ref is the place in one word, for the store. A message whose place nobody told is as one by a webhook.
func (p Posted) Ref() string {
	if p.TS == "" {
		return "webhook"
	}
	return p.Channel + "/" + p.TS
}

// Poster posts summaries. It may be used by several goroutines.
type Poster struct {
	Config
	api    *slack.Client // nil with a webhook
	client *http.Client
	missed missed // looked for and not found
	deaf   missed // looked for, and Slack had trouble of its own
}

// New checks the configuration without a connection.
func New(c Config) (*Poster, error) {
	p := &Poster{Config: c, client: web.Client(c.Transport, bodyMax, timeout)}
	switch {
	case c.Token.Empty() && c.Webhook.Empty():
		return nil, errors.New("slack: neither slack.token nor slack.webhook is set")
	case !c.Token.Empty() && !c.Webhook.Empty():
		return nil, errors.New("slack: slack.token and slack.webhook are both set; keep one")
	case c.Token.Empty():
		if err := checkURL("slack.webhook", c.Webhook.Reveal()); err != nil {
			return nil, err
		}
		return p, nil
	case c.Channel == "":
		return nil, errors.New("slack: slack.token is set and slack.channel is not")
	}
	options := []slack.Option{slack.OptionHTTPClient(p.client)}
	if c.APIURL != "" {
		if err := checkURL("slack.api_url", c.APIURL); err != nil {
			return nil, err
		}
		options = append(options, slack.OptionAPIURL(strings.TrimRight(c.APIURL, "/")+"/"))
	}
	p.api = slack.New(c.Token.Reveal(), options...)
	return p, nil
}

// checkURL allows https, and http where nothing leaves the machine. The address may be a secret, so the
// error does not show it.
func checkURL(key, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("slack: %s is not an address", key)
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback) {
		return fmt.Errorf("slack: %s must begin with https://", key)
	}
	return nil
}

// Post posts the summary and says where it stands. mayRepeat adds that it may stand there already. What Slack
// refuses is left out, see [Poster.offer]; a short Retry-After is waited for. Errors are *[Error].
func (p *Poster) Post(ctx context.Context, s *report.Summary, mayRepeat bool) (Posted, error) {
	o := offer{p: p, about: metadata(s.Run, p.Installation), run: s.Run.Key, mayRepeat: mayRepeat, compose: func(mayRepeat bool) Message {
		layout := p.Layout
		layout.MayRepeat = mayRepeat
		return Compose(s, layout)
	}}
	return o.make(ctx)
}

// Update replaces the run's message, posted at ref, by one that tells what a person has decided since. A
// webhook's message cannot be changed: that is [ErrCannotLook]. Other errors are *[Error].
func (p *Poster) Update(ctx context.Context, s *report.Summary, ref string) error {
	channel, _, ok := strings.Cut(ref, "/")
	if p.api == nil || !ok {
		return fmt.Errorf("%w: a webhook's message cannot be changed", ErrCannotLook)
	}
	if channel != p.Channel && channelID.MatchString(p.Channel) {
		return fmt.Errorf("%w: it stands in another channel", ErrCannotLook)
	}
	o := offer{p: p, about: metadata(s.Run, p.Installation), ref: ref, compose: func(bool) Message { return Compose(s, p.Layout) }}
	_, err := o.make(ctx)
	return err
}

// send tries again only where Slack has said that it took nothing.
func (p *Poster) send(ctx context.Context, about *slack.SlackMetadata, m Message, ref string) (Posted, *Error) {
	for try := 1; ; try++ {
		at, err := p.once(ctx, about, m, ref)
		if err == nil || err.RetryAfter == 0 || err.RetryAfter > patience || try == tries {
			return at, err
		}
		wait := time.NewTimer(err.RetryAfter)
		select {
		case <-ctx.Done():
			wait.Stop()
			return Posted{}, err
		case <-wait.C:
		}
	}
}

func (p *Poster) once(ctx context.Context, about *slack.SlackMetadata, m Message, ref string) (Posted, *Error) {
	if p.api == nil {
		return Posted{}, p.hook(ctx, m)
	}
	options := []slack.MsgOption{
		slack.MsgOptionText(m.Text, false),
		slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
	if about != nil {
		options = append(options, slack.MsgOptionMetadata(*about))
	}
	if len(m.Blocks) > 0 {
		options = append(options, slack.MsgOptionBlocks(m.Blocks...))
	}
	var channel, ts string
	var err error
	if at, was, ok := strings.Cut(ref, "/"); ok {
		if len(m.Blocks) == 0 {
			options = append(options, slack.MsgOptionBlocks()) // else the old ones stay
		}
		channel, ts, _, err = p.api.UpdateMessageContext(ctx, at, was, options...)
	} else {
		channel, ts, err = p.api.PostMessageContext(ctx, p.Channel, options...)
	}
	if err != nil {
		return Posted{}, understand(err)
	}
	// Slack has said yes: where an answer leaves out the place, the message cannot be changed later, and
	// posting again would tell the channel twice.
	return Posted{Channel: channel, TS: ts}, nil
}
