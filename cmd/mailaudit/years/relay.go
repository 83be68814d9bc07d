package years

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"mailaudit/cmd/mailaudit/years/observe"
	"mailaudit/providers"
	"mailaudit/report"
	"mailaudit/report/notice"
)

// Moods of the relay and of Slack.
const (
	well     = "well"
	refuses  = "refuses"
	forGood  = "refuses for good"
	hanging  = "hangs"
	perhaps  = "perhaps"
	throttle = "throttles"
)

// carrier is the way to the relay: a [notice.Carrier] without a wire.
type carrier struct {
	w *World
	p *Process
}

// Carrier is the relay as one process reaches it.
func (w *World) Carrier(p *Process) notice.Carrier { return carrier{w, p} }

// Send hands one mail over, step by step as a relay takes it.
func (c carrier) Send(ctx context.Context, m notice.Message, beforeDot func(context.Context) error) (notice.Outcome, error) {
	if err := c.p.enter("rcpt", m.ID); err != nil {
		return notice.Outcome{Result: notice.Retry, Stage: "connect", Detail: err.Error()}, err
	}
	out, goOn, down := c.w.rcpt(c.p, m)
	if err := c.p.leave("rcpt", nil); err != nil {
		return notice.Outcome{Result: notice.Retry, Stage: "rcpt", Detail: err.Error()}, err
	}
	if ctx.Err() != nil {
		return notice.Outcome{Result: notice.Retry, Stage: "rcpt", Detail: context.Cause(ctx).Error()}, context.Cause(ctx)
	}
	if down != nil {
		c.p.Pause(time.Second)
		return out, down
	}
	if !goOn {
		return out, nil
	}
	if beforeDot != nil {
		if err := beforeDot(ctx); err != nil {
			return notice.Outcome{Result: notice.Retry, Stage: "data", Detail: "not sent: " + err.Error()}, err
		}
	}
	if ctx.Err() != nil {
		return notice.Outcome{Result: notice.Retry, Stage: "data", Detail: context.Cause(ctx).Error()}, context.Cause(ctx)
	}
	if err := c.p.enter("dot", m.ID); err != nil {
		return notice.Outcome{Result: notice.Ambiguous, Stage: "dot", Detail: err.Error()}, nil
	}
	out, wait := c.w.dot(c.p, m)
	if err := c.p.leave("dot", nil); err != nil {
		return notice.Outcome{Result: notice.Ambiguous, Stage: "dot", Detail: err.Error()}, nil
	}
	c.p.Pause(wait)
	return out, nil
}

func said(result notice.Result, stage, wire string) notice.Outcome {
	r := providers.ParseReply(providers.StageMail, wire)
	return notice.Outcome{Result: result, Stage: stage, Reply: r, Detail: wire}
}

// rcpt is all before the message. goOn is false where the relay has spoken already.
func (w *World) rcpt(p *Process, m notice.Message) (out notice.Outcome, goOn bool, down error) {
	switch {
	case w.relay == hanging:
		down = &notice.RelayError{Stage: "connect", Err: errors.New("no answer within 30s")}
		return notice.Outcome{Result: notice.Retry, Stage: "connect", Detail: down.Error()}, false, down
	case w.relay == refuses && w.chance("rcpt", m.ID, w.night, w.observed).IntN(2) == 0:
		w.tellMail(p, m, observe.RelayLater, false)
		return said(notice.Retry, "rcpt", "450 4.2.1 Mailbox busy, try again later"), false, nil
	case w.relay == forGood && w.chance("never", m.To, w.night).IntN(3) == 0:
		w.tellMail(p, m, observe.RelayNever, false)
		return said(notice.Failed, "rcpt", "550 5.1.1 No such user here"), false, nil
	}
	return notice.Outcome{}, true, nil
}

// dot is the answer to the whole message.
func (w *World) dot(p *Process, m notice.Message) (notice.Outcome, time.Duration) {
	pick := w.chance("dot", m.ID, w.night, w.observed)
	switch {
	case w.relay == perhaps && pick.IntN(2) == 0:
		w.tellMail(p, m, observe.RelayNothing, pick.IntN(2) == 0)
		return notice.Outcome{Result: notice.Ambiguous, Stage: "dot", Detail: "no answer after the message's final dot: EOF"}, time.Second
	case w.relay == refuses && pick.IntN(3) == 0:
		w.tellMail(p, m, observe.RelayLater, false)
		return said(notice.Retry, "dot", "451 4.3.0 Queue is full"), 0
	}
	w.tellMail(p, m, observe.RelayTook, true)
	return said(notice.Sent, "dot", "250 2.0.0 Ok: queued as 4F1"), 200 * time.Millisecond
}

var reference = regexp.MustCompile(`\bM-([0-9]+)\b`)

// tellMail observes a mail.
func (w *World) tellMail(p *Process, m notice.Message, answer observe.RelayAnswer, arrived bool) {
	seen := observe.Mail{
		To: []string{m.To}, From: m.From, MessageID: strings.Trim(m.ID, "<>"), Subject: m.Subject, Raw: m.Raw, Answer: answer, Arrived: arrived,
	}
	seen.Text = plainPart(m.Raw)
	if found := reference.FindStringSubmatch(seen.Text + " " + seen.Subject); found != nil {
		seen.Number, _ = strconv.ParseInt(found[1], 10, 64)
	}
	for _, login := range w.logins() {
		masked := report.Mask(login)
		if strings.Contains(seen.Text, masked) || strings.Contains(seen.Text, login) {
			seen.Mailboxes = append(seen.Mailboxes, login)
		}
	}
	w.observe(p, seen)
}

func (w *World) logins() []string {
	if len(w.sorted) != len(w.boxes) {
		w.sorted = w.sorted[:0]
		for login := range w.boxes {
			w.sorted = append(w.sorted, login)
		}
		slices.Sort(w.sorted)
	}
	return w.sorted
}

// plainPart is a mail's text for people, as their programs show it.
func plainPart(raw []byte) string {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	for {
		part, err := r.NextPart()
		if err != nil {
			return ""
		}
		if kind := part.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/plain") {
			text, err := io.ReadAll(part.Body)
			if err != nil {
				return ""
			}
			return string(text)
		}
	}
}
