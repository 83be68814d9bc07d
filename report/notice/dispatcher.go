package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// Outbox is what the dispatcher needs of the store; see [audit.Outbox] for what each does.
type Outbox interface {
	audit.Blaming
	LoadNotice(ctx context.Context, id int64) (audit.Notice, error)
	Claim(ctx context.Context, id int64, now time.Time, within audit.Allowance) (audit.Claim, error)
	Narrow(ctx context.Context, id int64, claim audit.Claim, keep []string) error
	HandOver(ctx context.Context, id int64, claim audit.Claim, messageID string, now time.Time) error
	Sent(ctx context.Context, id int64, claim audit.Claim, now time.Time, detail string) error
	Unsent(ctx context.Context, id int64, claim audit.Claim, state audit.NoticeState, detail string, due, now time.Time) error
	BouncedSince(ctx context.Context, t time.Time, limit int) ([]audit.Bounce, error)
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// Carrier hands a mail to the relay: a [*Sender], or what a test puts in its place.
type Carrier interface {
	Send(ctx context.Context, m Message, beforeDot func(context.Context) error) (Outcome, error)
}

// Dispatcher sends notices that are due: it reads the account once more, composes, hands over and marks.
type Dispatcher struct {
	Outbox   Outbox
	Accounts audit.Accounts
	Carrier  Carrier
	Settings Settings
	// Allowance is how many mails may leave now.
	Allowance func(ctx context.Context) (audit.Allowance, error)
	// Changed reports whether an account's secret is another than the one that the state was made of.
	Changed func(ctx context.Context, acc audit.Account, st audit.State) (bool, error)
	// SuppressReason tells why a notice is not to be sent to its contact any more; "" if nothing speaks against it.
	SuppressReason func(ctx context.Context, n audit.Notice) (string, error)
	// Only is the pilot: of a notice about several accounts, it leaves out those whose verdict it does not tell of.
	Only audit.Only
	// Refused reads what the relay said of a recipient, and Bounced notes an address that no mail reaches. Where
	// Refused is nil, a refusal for good fails its notice and no more.
	Refused func(ctx context.Context, to string, r providers.Reply) Refusal
	Bounced func(ctx context.Context, address, detail string, now time.Time) error
	Waves   Waves
	// Keep writes what the relay said until the database takes it. Where it is nil, it is tried once.
	Keep  func(ctx context.Context, what string, write func(context.Context) error) error
	hears hearing

	Now  func() time.Time
	Zone *time.Location // of tenants that have none
	Log  *slog.Logger
}

const (
	tryAgainAfter = 5 * time.Minute  // doubled at each try
	lineDeadAfter = 10 * time.Second // doubled at each try, where the relay said nothing
	giveUpAfter   = 24 * time.Hour   // since the notice was written, and after
	giveUpTries   = 10               // tries, whose pauses add up to 21 hours: a relay that was away uses up none of its time
)

// Notify sends one notice. Its error is our own trouble, such as a relay that refuses us: the notice stays
// queued, and while such a relay is left alone for a while, the error is the same for each. Notices that were overtaken by events are suppressed with the reason. One that accuses on a refusal older
// than 24 hours stays queued until its accounts are re-checked, see [Dispatcher.Stale].
func (d *Dispatcher) Notify(ctx context.Context, id int64) error {
	n, err := d.Outbox.LoadNotice(ctx, id)
	if err != nil || n.State != audit.NoticeQueued || n.DueAt.After(d.Now()) {
		return err
	}
	if err := d.hears.paused(d.Now()); err != nil {
		return err
	}
	within, err := d.Allowance(ctx)
	if err != nil {
		return err
	}
	claim, err := d.Outbox.Claim(ctx, id, d.Now(), within)
	if err != nil || claim == audit.NoClaim {
		return err
	}
	p := delivery{Dispatcher: d, claim: claim}
	// What the notice says is read after it is claimed: no other process changes it any more.
	if p.notice, err = d.Outbox.LoadNotice(ctx, id); err == nil {
		err = p.send(ctx)
	}
	return err
}

// delivery is a notice that this process has claimed.
type delivery struct {
	*Dispatcher
	notice audit.Notice
	claim  audit.Claim

	onTrial bool // it was refused for good, and is tried once more behind the others before that is believed
}

func (p *delivery) send(ctx context.Context) error {
	r, err := p.read(ctx, p.notice)
	if err == nil && r.why == "" && len(r.stale(p.Now())) > 0 {
		return p.leave(ctx)
	}
	if err == nil && r.why == "" && len(r.keep) < len(p.notice.Items) {
		err = p.Outbox.Narrow(ctx, p.notice.ID, p.claim, r.keep)
	}
	if err != nil {
		return p.goWithout(ctx, err)
	}
	if r.why != "" {
		return p.mark(ctx, audit.NoticeSuppressed, r.why, time.Time{})
	}
	message, err := p.compose(r.letter)
	if errors.Is(err, ErrRecipient) {
		return p.mark(ctx, audit.NoticeFailed, err.Error(), time.Time{})
	}
	if errors.Is(err, ErrNoMail) {
		return p.mark(ctx, audit.NoticeSuppressed, err.Error(), time.Time{})
	}
	if err != nil {
		return p.goWithout(ctx, fmt.Errorf("%w %s: %w", errCompose, Reference(p.notice.ID), err))
	}
	return p.handOver(ctx, message, r)
}

// mark notes what became of the notice, even while we are being stopped.
func (p *delivery) mark(ctx context.Context, state audit.NoticeState, detail string, due time.Time) error {
	now := p.Now()
	return p.keep(ctx, "what became of "+Reference(p.notice.ID), func(ctx context.Context) error {
		return p.Outbox.Unsent(ctx, p.notice.ID, p.claim, state, detail, due, now)
	})
}

// keep writes what was heard.
func (d *Dispatcher) keep(ctx context.Context, what string, write func(context.Context) error) error {
	if d.Keep == nil {
		return write(context.WithoutCancel(ctx))
	}
	return d.Keep(ctx, what, write)
}

// leave queues the notice again as it was.
func (p *delivery) leave(ctx context.Context) error {
	return p.mark(ctx, audit.NoticeQueued, p.notice.Detail, p.notice.DueAt)
}

// errStale: while the relay kept a mail waiting, its evidence has become too old.
var errStale = errors.New("its refusal is older than 24 hours by now")

func (p *delivery) handOver(ctx context.Context, m Message, r reading) error {
	n := p.notice
	out, sendErr := p.Carrier.Send(ctx, m, func(ctx context.Context) error {
		if len(r.stale(p.Now())) > 0 {
			return errStale
		}
		return p.Outbox.HandOver(ctx, n.ID, p.claim, m.ID, p.Now())
	})
	if errors.Is(sendErr, errStale) {
		return p.leave(ctx)
	}
	out, ours, err := p.judge(ctx, m.To, out)
	if err != nil {
		return errors.Join(err, p.leave(ctx))
	}
	if ours != nil {
		sendErr = ours
	}
	p.listen(out, sendErr)
	switch out.Result {
	case Sent:
		now := p.Now()
		err = p.keep(ctx, "that "+Reference(n.ID)+" is sent", func(ctx context.Context) error {
			return p.Outbox.Sent(ctx, n.ID, p.claim, now, out.Detail)
		})
	case Failed:
		err = p.mark(ctx, audit.NoticeFailed, out.Detail, time.Time{})
	case Ambiguous:
		err = p.mark(ctx, audit.NoticeAmbiguous, out.Detail, time.Time{})
	case Retry:
		err = p.putBack(ctx, out, sendErr)
	}
	p.Log.Info("notice", "notice", Reference(n.ID), "run", n.RunKey, "result", string(out.Result), "stage", out.Stage)
	return errors.Join(sendErr, err)
}

// listen has delivery wait where the relay asks for it, or turns us away again and again.
func (p *delivery) listen(out Outcome, sendErr error) {
	if a := readRate(out.Reply); a.ours {
		p.hears.rest(p.Now(), a.wait, asksToWait(out))
	}
	var ours *RelayError
	if errors.As(sendErr, &ours) && out.Reply.Code/100 == 5 && (out.Stage == "auth" || out.Stage == "mail") && p.hears.turnsAway() {
		p.hears.pause(p.Now(), ours)
	}
}

func (p *delivery) putBack(ctx context.Context, out Outcome, sendErr error) error {
	n, now := p.notice, p.Now()
	if sendErr != nil { // the relay or we ourselves, not this mail: no try of its own is used up
		detail := "waits for the relay: " + out.Stage
		if out.Reply.Code != 0 {
			detail += ": " + out.Detail
		}
		return p.mark(ctx, audit.NoticeQueued, detail, now)
	}
	if p.onTrial {
		return p.mark(ctx, audit.NoticeQueued, out.Detail, now)
	}
	if n.Tries >= giveUpTries && now.Sub(n.CreatedAt) > giveUpAfter {
		err := p.mark(ctx, audit.NoticeFailed, "given up after 24 hours: "+out.Detail, time.Time{})
		if out.Reply.Code/100 == 5 {
			err = errors.Join(err, p.bounced(ctx, p.notice.ContactEmail, out))
		}
		return err
	}
	wait := tryAgainAfter
	if out.Reply.Code == 0 {
		wait = lineDeadAfter
	}
	wait = max(wait<<min(n.Tries-1, 6), readRate(out.Reply).wait)
	return p.mark(ctx, audit.NoticeQueued, out.Detail, now.Add(wait))
}
