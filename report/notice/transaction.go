package notice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-smtp"

	"mailaudit/providers"
)

// transaction hands one mail over on a connection that is ready for it.
type transaction struct {
	session *session
	grace   time.Duration
	broken  bool // the connection is of no more use
}

func (t *transaction) run(ctx context.Context, m Message, beforeDot func(context.Context) error) (Outcome, error) {
	stop := context.AfterFunc(ctx, func() { t.session.conn.Close() })
	defer stop()
	data, stage, err := t.begin(m)
	if err != nil {
		return t.refused(ctx, stage, err)
	}
	if beforeDot != nil {
		if err := beforeDot(ctx); err != nil {
			t.broken = true // leaving without the dot makes the relay forget the message
			return Outcome{Result: Retry, Stage: "data", Detail: "not sent: " + err.Error()}, err
		}
	}
	if !stop() {
		t.broken = true
		return Outcome{Result: Retry, Stage: "data", Detail: context.Cause(ctx).Error()}, context.Cause(ctx)
	}
	return t.dot(ctx, data), nil
}

// begin comes as far as the message's last line.
func (t *transaction) begin(m Message) (*smtp.DataCommand, string, error) {
	c := t.session.client
	t.session.edge.refill()
	if err := c.Mail(m.From, nil); err != nil {
		return nil, "mail", err
	}
	if err := c.Rcpt(m.To, nil); err != nil {
		return nil, "rcpt", err
	}
	data, err := c.Data()
	if err != nil {
		return nil, "data", err
	}
	// go-smtp sets no deadline here, and a relay may stop reading.
	t.session.conn.SetWriteDeadline(time.Now().Add(t.session.client.SubmissionTimeout))
	if _, err := bytes.NewReader(m.Raw).WriteTo(data); err != nil {
		t.broken = true
		return nil, "data", err
	}
	return data, "", nil
}

// refused reads what ended a transaction before its dot.
func (t *transaction) refused(ctx context.Context, stage string, err error) (Outcome, error) {
	reply, spoke := said(err, t.session.scrub)
	if !spoke {
		t.broken = true
		if ctx.Err() != nil {
			err = context.Cause(ctx)
			return Outcome{Result: Retry, Stage: stage, Detail: err.Error()}, err
		}
		return Outcome{Result: Retry, Stage: stage, Detail: "the connection broke: " + t.session.scrub.Clean(err.Error())}, nil
	}
	t.keep(reply)
	out := Outcome{Result: Retry, Stage: stage, Reply: reply, Detail: words(reply)}
	if reply.Code < 500 {
		return out, nil
	}
	// A refused sender address, or a demand to sign in first (530, RFC 4954), is no word on the recipient.
	if stage == "mail" || reply.Code == 530 {
		return out, &RelayError{Stage: stage, Err: errors.New(out.Detail)}
	}
	out.Result = Failed
	return out, nil
}

// dot ends the message. From here on silence is ambiguous, so the answer is waited for even where the
// caller has given up.
func (t *transaction) dot(ctx context.Context, data *smtp.DataCommand) Outcome {
	answered := make(chan struct{})
	defer close(answered)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-answered:
		case <-time.After(t.grace):
			t.session.conn.Close()
		}
	})
	defer stop()
	t.session.used = time.Now()
	t.session.mails++
	response, err := data.CloseWithResponse()
	if err == nil {
		reply := providers.Reply{Stage: providers.StageMail, Code: 250, Text: plain(t.session.scrub.Clean(response.StatusText))}
		return Outcome{Result: Sent, Stage: "dot", Reply: reply, Detail: words(reply)}
	}
	reply, spoke := said(err, t.session.scrub)
	out := Outcome{Result: Ambiguous, Stage: "dot", Reply: reply, Detail: words(reply)}
	switch {
	case !spoke:
		t.broken = true
		out.Detail = "no answer after the message's final dot: " + t.session.scrub.Clean(err.Error())
		return out
	case reply.Code/100 == 2:
		out.Result = Sent
	case reply.Code/100 == 4:
		out.Result = Retry
	case reply.Code/100 == 5:
		out.Result = Failed
	}
	t.broken = reply.Code == 421
	return out
}

// keep readies the connection for the next mail after a refusal in mid-transaction.
func (t *transaction) keep(r providers.Reply) {
	if r.Code == 421 || t.session.client.Reset() != nil {
		t.broken = true
	}
}

func words(r providers.Reply) string {
	if r.Enhanced == "" {
		return fmt.Sprintf("%d %s", r.Code, r.Text)
	}
	return fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text)
}
