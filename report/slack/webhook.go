package slack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/slack-go/slack"
)

const (
	bodyMax   = 8 << 20 // of any answer
	reasonMax = 200     // of a webhook's refusal
)

// hook posts through the incoming webhook. Slack answers a refusal with one word as the body, which
// slack-go does not hand on, so the transport notes it.
func (p *Poster) hook(ctx context.Context, m Message) *Error {
	no := false
	msg := &slack.WebhookMessage{Text: m.Text, Parse: "none", UnfurlLinks: &no, UnfurlMedia: &no}
	if len(m.Blocks) > 0 {
		msg.Blocks = &slack.Blocks{BlockSet: m.Blocks}
	}
	note := &noteRefusal{next: p.client.Transport}
	client := *p.client
	client.Transport = note
	err := slack.PostWebhookCustomHTTPContext(ctx, p.Webhook.Reveal(), &client, msg)
	if err == nil {
		return nil
	}
	out := understand(err)
	var status slack.StatusCodeError
	if errors.As(err, &status) && status.Code < 500 && codeForm.MatchString(note.word) {
		named := refusal(note.word)
		known := named.Permanent || named.about != partNone && !named.Uncertain
		if known || !out.Permanent {
			named.Uncertain = false // by the status the webhook took nothing, whatever the word
			return named
		}
	}
	return out
}

// noteRefusal keeps the word with which a refusal is explained.
type noteRefusal struct {
	next http.RoundTripper
	word string
}

func (n *noteRefusal) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := n.next.RoundTrip(r)
	if err != nil || resp.StatusCode < 400 {
		return resp, err
	}
	start, err := io.ReadAll(io.LimitReader(resp.Body, reasonMax))
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	n.word = strings.TrimSpace(string(start))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	return resp, nil
}
