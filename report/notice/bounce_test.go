package notice_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/report/notice"
)

// box is an outbox of one notice at a time, and the account that it is about.
type box struct {
	notice.Outbox
	audit.Accounts
	n       audit.Notice
	bounced []audit.Bounce
	seen    func() time.Time // when the account was last refused; nil: in the morning

	unread, unstated error // of account 2, and of all states
	narrowed         []string
}

func (b *box) Narrow(_ context.Context, _ int64, _ audit.Claim, keep []string) error {
	b.narrowed = keep
	return nil
}

func (b *box) BouncedSince(context.Context, time.Time, int) ([]audit.Bounce, error) {
	return b.bounced, nil
}

func (b *box) Blame(err error) (audit.Blame, string) { return audit.OwnBlame(err) }

func (b *box) LoadNotice(context.Context, int64) (audit.Notice, error) { return b.n, nil }
func (b *box) Claim(context.Context, int64, time.Time, audit.Allowance) (audit.Claim, error) {
	b.n.Tries++
	b.n.State = audit.NoticeSending
	return audit.Claim(b.n.Tries), nil
}
func (b *box) Unsent(_ context.Context, _ int64, _ audit.Claim, s audit.NoticeState, detail string, due, _ time.Time) error {
	b.n.State, b.n.Detail = s, detail
	if !due.IsZero() {
		b.n.DueAt = due
	}
	return nil
}
func (b *box) LoadStates(context.Context, []string) (map[string]audit.State, error) {
	st := audit.State{Brand: "gmail"}
	st.AccountID, st.SeenAt = "1", morning
	if b.seen != nil {
		st.SeenAt = b.seen()
	}
	st.Settled.Verdict, st.Settled.Since, st.Settled.NightAt = audit.Revoked, night(11, 22), night(11, 22)
	return map[string]audit.State{"1": st, "2": st}, b.unstated
}
func (b *box) AccountsByID(_ context.Context, ids []string) ([]audit.Account, error) {
	if slices.Contains(ids, "2") {
		return nil, b.unread
	}
	return []audit.Account{{ID: "1", TenantID: "t", Address: "frontdesk@gmail.com", ContactEmail: b.n.ContactEmail}}, nil
}

// queue puts the one notice in.
func (b *box) queue(id int64, contact string) {
	b.n = audit.Notice{
		ID: id, Kind: audit.KindFinding, TenantID: "t", ContactEmail: contact, Provider: "google", State: audit.NoticeQueued,
		DueAt: morning, CreatedAt: morning, Items: []audit.NoticeItem{{AccountID: "1", Verdict: audit.Revoked}},
	}
}

// desk sends what is in the box, in the morning.
func (b *box) desk(t *testing.T, c notice.Carrier) *notice.Dispatcher {
	t.Helper()
	return &notice.Dispatcher{
		Outbox: b, Accounts: b, Carrier: c, Settings: settings(t), Now: func() time.Time { return morning },
		Allowance:      func(context.Context) (audit.Allowance, error) { return audit.Allowance{}, nil },
		Changed:        func(context.Context, audit.Account, audit.State) (bool, error) { return false, nil },
		SuppressReason: func(context.Context, audit.Notice) (string, error) { return "", nil },
		Zone:           time.UTC, Log: slog.New(slog.DiscardHandler),
	}
}

// refuser is a relay that says one thing to everybody.
type refuser string

func (r refuser) Send(context.Context, notice.Message, func(context.Context) error) (notice.Outcome, error) {
	reply := providers.ParseReply(providers.StageMail, string(r))
	return notice.Outcome{Result: notice.Failed, Stage: "rcpt", Reply: reply, Detail: string(r)}, nil
}

// bouncing is a desk whose relay refuses; it returns what became of the notice to each contact.
func bouncing(t *testing.T, words string, contacts ...string) (states []audit.NoticeState, called []string) {
	t.Helper()
	return bouncingIn(t, false, words, contacts...)
}

// bouncingIn has each notice sent by a process of its own, or not.
func bouncingIn(t *testing.T, processes bool, words string, contacts ...string) (states []audit.NoticeState, called []string) {
	t.Helper()
	if !processes {
		d := newDelivery(t, refuser(words), contacts...)
		d.work()
		return d.states(), d.called
	}
	var before []audit.Bounce
	for _, contact := range contacts {
		d := newDelivery(t, refuser(words), contact)
		d.box.bounced = before
		d.work()
		states, called, before = append(states, d.states()...), append(called, d.called...), d.box.bounced
	}
	return states, called
}

func TestARefusalIsReadBeforeItIsBelieved(t *testing.T) {
	for words, want := range map[string]audit.NoticeState{
		"550 5.1.1 <maria@sunrise.example>: user unknown":           audit.NoticeFailed,
		"550 5.2.1 mailbox disabled":                                audit.NoticeFailed,
		"550 nobody has ever seen this wording":                     audit.NoticeQueued, // until the relay takes another mail
		"552 5.2.2 mailbox is full":                                 audit.NoticeQueued,
		"550 5.7.1 message rejected as spam":                        audit.NoticeQueued,
		"550 5.7.25 no PTR record for your address":                 audit.NoticeQueued,
		"550 5.7.1 too many messages, daily sending limit exceeded": audit.NoticeQueued,
		"553 5.7.1 sender address rejected: not owned by user":      audit.NoticeQueued,
	} {
		states, called := bouncing(t, words, "maria@sunrise.example")
		if states[0] != want {
			t.Errorf("%s: the notice is %s, want %s", words, states[0], want)
		}
		if (len(called) == 1) != (want == audit.NoticeFailed) {
			t.Errorf("%s: the call list has %q", words, called)
		}
	}
}

func TestAWaveOfRefusalsIsNotBelieved(t *testing.T) {
	const gone = "550 5.1.1 no such user"
	var contacts []string
	for i := range 6 {
		contacts = append(contacts, fmt.Sprintf("clinic%d@gmail.com", i))
	}
	states, called := bouncing(t, gone, contacts...)
	if slices.Contains(states, audit.NoticeFailed) || len(called) != 0 {
		t.Errorf("six at one provider: %s, and to call %q", states, called)
	}
	if states, called := bouncingIn(t, true, gone, contacts...); slices.Contains(states[2:], audit.NoticeFailed) || len(called) != 2 {
		t.Errorf("six at one provider, by as many processes: %s, and to call %q", states, called)
	}
	if states, _ := bouncing(t, gone, "a@gmail.com", "a@gmail.com", "A@gmail.com", "a@gmail.com"); slices.Contains(states, audit.NoticeQueued) {
		t.Errorf("one recipient is no wave: %s", states)
	}
}

// TestAPassingRefusalIsTriedForADay counts the tries of a mail that is refused for now each time.
func TestAPassingRefusalIsTriedForADay(t *testing.T) {
	now := morning
	b := &box{seen: func() time.Time { return now }} // it is re-checked each time
	b.queue(1, "maria@sunrise.example")
	d := b.desk(t, later("451 4.7.1 greylisted, come back"))
	d.Now = func() time.Time { return now }
	var pauses []time.Duration
	for len(pauses) < 100 {
		if err := d.Notify(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if b.n.State != audit.NoticeQueued {
			break
		}
		pauses = append(pauses, b.n.DueAt.Sub(now))
		now = b.n.DueAt
	}
	if b.n.State != audit.NoticeFailed || !strings.Contains(b.n.Detail, "greylisted") {
		t.Errorf("after %v it is %s: %s", now.Sub(morning), b.n.State, b.n.Detail)
	}
	if after := now.Sub(morning); after < 24*time.Hour || after > 32*time.Hour {
		t.Errorf("given up after %v, want a day", after)
	}
	if !slices.IsSorted(pauses) || pauses[0] > 10*time.Minute || pauses[len(pauses)-1] < time.Hour {
		t.Errorf("the pauses do not grow: %v", pauses)
	}
}

// later is a relay that takes no mail now.
type later string

func (l later) Send(context.Context, notice.Message, func(context.Context) error) (notice.Outcome, error) {
	reply := providers.ParseReply(providers.StageMail, string(l))
	return notice.Outcome{Result: notice.Retry, Stage: "rcpt", Reply: reply, Detail: string(l)}, nil
}
