package slack

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"mailaudit/providers"
)

// Person is who clicked. The id is Slack's and stays; the name is what the person chose.
type Person struct{ ID, Name string }

// Click is one click on a button, or a form that it opened and that was sent.
type Click struct {
	About
	ID      string `json:"-"` // the same when Slack delivers it again
	Do      Do     `json:"do"`
	By      Person `json:"-"`
	Channel string `json:"c"`
	TS      string `json:"ts"` // of the message with the button
	Why     string `json:"-"`
	Choice  string `json:"-"` // one of IDs
	Until   string `json:"-"` // a date
}

// Message is where the button stands.
func (k Click) Message() string { return k.Channel + "/" + k.TS }

// Said is something that one person is told. Code is shown as it is.
type Said struct {
	Text string
	Code bool
}

// Desk carries out what people click.
type Desk interface {
	// May returns why a click comes to nothing, "" if it may go on. It changes nothing.
	May(ctx context.Context, k Click) string
	// Carry carries a click out, once however often it is given, and returns what the person is told.
	Carry(ctx context.Context, k Click) []Said
}

// Console takes clicks over Socket Mode: the connection goes out, so nothing has to be reached from outside.
type Console struct {
	Poster   *Poster
	AppToken providers.Secret
	Desk     Desk
	Log      *slog.Logger
}

const (
	clicksAtOnce  = 8
	reconnectIn   = 30 * time.Second // after a failure that slack-go does not wait out by itself
	envelopeBytes = 1 << 20
	mayWithin     = 2 * time.Second // a form must be opened within three seconds of its click
)

// appLevel is the client of the methods that take the app's own token.
func (p *Poster) appLevel(token providers.Secret) *slack.Client {
	options := []slack.Option{slack.OptionHTTPClient(p.client), slack.OptionAppLevelToken(token.Reveal())}
	if p.APIURL != "" {
		options = append(options, slack.OptionAPIURL(strings.TrimRight(p.APIURL, "/")+"/"))
	}
	return slack.New(p.Token.Reveal(), options...)
}

// CheckClicks asks whether clicks would be handed to a [Console] with the app-level token, and takes none. Its errors are
// *[Error].
func (p *Poster) CheckClicks(ctx context.Context, token providers.Secret) error {
	if _, _, err := p.appLevel(token).StartSocketModeContext(ctx); err != nil { // the address that it gives is not used, and lapses
		refused := understand(err)
		if refused.Code == "invalid_auth" || refused.Code == "not_allowed_token_type" || refused.Code == "missing_scope" {
			refused.Fix = "check slack.app_token (xapp-…, scope connections:write), and Socket Mode in the Slack app"
		}
		return refused
	}
	return nil
}

// Run takes clicks until the context ends, and waits for those in hand.
func (c *Console) Run(ctx context.Context) {
	told := ""
	for ctx.Err() == nil {
		err := c.connected(ctx, &told)
		if ctx.Err() != nil {
			return
		}
		c.tell(&told, understand(err))
		select {
		case <-ctx.Done():
		case <-time.After(reconnectIn):
		}
	}
}

// tell logs a trouble once, until it is another or over.
func (c *Console) tell(told *string, err *Error) {
	if text := err.Error(); text != *told {
		*told = text
		c.Log.Error("Slack's clicks do not arrive; tried again", "err", text, "check", "slack.app_token, and Socket Mode in the Slack app")
	}
}

// connected holds connections, one after the other as Slack asks, until one fails for good.
func (c *Console) connected(ctx context.Context, told *string) error {
	ctx, cancel := context.WithCancel(ctx)
	quiet := log.New(io.Discard, "", 0)
	client := socketmode.New(c.Poster.appLevel(c.AppToken), socketmode.OptionLog(quiet), socketmode.OptionReadLimit(envelopeBytes))
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { c.listen(ctx, client, told) })
	return client.RunContext(ctx)
}

func (c *Console) listen(ctx context.Context, client *socketmode.Client, told *string) {
	var group sync.WaitGroup
	defer group.Wait()
	places := make(chan struct{}, clicksAtOnce)
	for {
		var e socketmode.Event
		select {
		case <-ctx.Done():
			return
		case e = <-client.Events:
		}
		switch got := e.Data.(type) {
		case *slack.ConnectionErrorEvent:
			if ctx.Err() == nil {
				c.tell(told, understand(got.ErrorObj))
			}
		case *socketmode.ConnectedEvent:
			*told = ""
			c.Log.Info("clicks in Slack are taken")
		case slack.InteractionCallback:
			c.acknowledge(ctx, client, e)
			select {
			case places <- struct{}{}:
				group.Go(func() {
					defer func() { <-places }()
					c.take(ctx, got)
				})
			default:
				c.whisper(ctx, Click{Channel: channelOf(got), By: Person{ID: got.User.ID}}, Said{Text: "Busy with other clicks: nothing has changed, click again in a minute."})
			}
			continue
		}
		if e.Request != nil && e.Request.EnvelopeID != "" {
			c.acknowledge(ctx, client, e)
		}
	}
}

// acknowledge tells Slack that an envelope has arrived; it sends others again.
func (c *Console) acknowledge(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	if err := client.AckCtx(ctx, e.Request.EnvelopeID, nil); err != nil && ctx.Err() == nil {
		c.Log.Warn("a click is not acknowledged; Slack delivers it again", "err", understand(err).Code)
	}
}

func channelOf(cb slack.InteractionCallback) string {
	if cb.Channel.ID != "" {
		return cb.Channel.ID
	}
	return cb.Container.ChannelID
}

// take carries out one envelope.
func (c *Console) take(ctx context.Context, cb slack.InteractionCallback) {
	by := Person{ID: cb.User.ID, Name: cb.User.Name}
	switch cb.Type {
	case slack.InteractionTypeBlockActions:
		if len(cb.ActionCallback.BlockActions) == 0 {
			return
		}
		act := cb.ActionCallback.BlockActions[0]
		k := Click{ID: "act/" + act.ActionTs, Do: Do(act.ActionID), By: by, Channel: channelOf(cb), TS: cb.Container.MessageTs}
		if json.Unmarshal([]byte(act.Value), &k.About) != nil {
			return // no button of ours
		}
		c.clicked(ctx, k, cb.TriggerID)
	case slack.InteractionTypeViewSubmission:
		if k, ok := filled(cb.View); ok {
			k.By = by
			c.whisper(ctx, k, c.Desk.Carry(ctx, k)...)
		}
	}
}

// clicked opens the form that a button has, or carries its click out.
func (c *Console) clicked(ctx context.Context, k Click, trigger string) {
	if k.Do == DoPreview {
		c.whisper(ctx, k, c.Desk.Carry(ctx, k)...)
		return
	}
	quick, cancel := context.WithTimeout(ctx, mayWithin)
	why := c.Desk.May(quick, k)
	cancel()
	if why != "" {
		c.whisper(ctx, k, Said{Text: why})
		return
	}
	view, ok := formOf(k)
	if !ok {
		return
	}
	if _, err := c.Poster.api.OpenViewContext(ctx, trigger, view); err != nil {
		c.Log.Warn("a form is not opened in Slack", "click", string(k.Do), "err", understand(err).Code)
		c.whisper(ctx, k, Said{Text: "The form did not open: nothing has changed, click again."})
	}
}

// whisper tells one person, where the button stands.
func (c *Console) whisper(ctx context.Context, k Click, all ...Said) {
	for _, said := range all {
		text := neutral(said.Text, sectionMax)
		if said.Code {
			text = "```\n" + cut(escape(strings.ReplaceAll(said.Text, "`", "'")), sectionMax-10) + "\n```"
		}
		_, err := c.Poster.api.PostEphemeralContext(ctx, k.Channel, k.By.ID, slack.MsgOptionText(text, false), slack.MsgOptionParse(false),
			slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
		if err != nil {
			c.Log.Warn("what came of a click is not said in Slack", "click", string(k.Do), "err", understand(err).Code)
			return
		}
	}
}
