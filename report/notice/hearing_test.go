package notice_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/report/notice"
)

// delivery is a desk and the notices that are due, one to each contact.
type delivery struct {
	t       *testing.T
	box     *box
	desk    *notice.Dispatcher
	notices []audit.Notice
	called  []string
	now     time.Time
	errs    []error
}

func newDelivery(t *testing.T, c notice.Carrier, contacts ...string) *delivery {
	t.Helper()
	d := &delivery{t: t, box: &box{}, now: morning}
	d.box.seen = func() time.Time { return d.now }
	d.process(c)
	for i, contact := range contacts {
		d.box.queue(int64(i)+1, contact)
		d.notices = append(d.notices, d.box.n)
	}
	return d
}

// process begins another one, which remembers nothing.
func (d *delivery) process(c notice.Carrier) {
	d.desk = d.box.desk(d.t, c)
	d.desk.Now = func() time.Time { return d.now }
	d.desk.Refused = func(_ context.Context, to string, r providers.Reply) notice.Refusal {
		refusal := notice.Refusal{Class: providers.CommonRules().Read(r).Class}
		if strings.HasSuffix(to, "@gmail.com") {
			refusal.Provider = "google"
		}
		return refusal
	}
	d.desk.Bounced = func(_ context.Context, address, _ string, _ time.Time) error {
		d.called = append(d.called, address)
		d.box.bounced = append(d.box.bounced, audit.Bounce{Address: address, At: d.now})
		return nil
	}
}

// work does what is due, the notices after each other and again as long as they are due, as the queue does it.
func (d *delivery) work() {
	d.errs = nil
	for range 4 {
		for i := range d.notices {
			if n := d.notices[i]; n.State != audit.NoticeQueued || n.DueAt.After(d.now) {
				continue
			}
			d.box.n = d.notices[i]
			if err := d.desk.Notify(context.Background(), d.box.n.ID); err != nil {
				d.errs = append(d.errs, err)
			}
			d.notices[i] = d.box.n
		}
	}
}

// start is the next command: it tries at once what was put off.
func (d *delivery) start(c notice.Carrier) {
	d.process(c)
	for i := range d.notices {
		d.notices[i].DueAt = d.now
	}
	d.work()
}

func (d *delivery) states() (all []audit.NoticeState) {
	for _, n := range d.notices {
		all = append(all, n.State)
	}
	return all
}

func (d *delivery) count(s audit.NoticeState) (n int) {
	for _, is := range d.states() {
		if is == s {
			n++
		}
	}
	return n
}

// relayOf answers each recipient as it likes; "" takes the mail. It counts what it was asked.
type relayOf struct {
	answer func(to string, asked int) string
	asked  int
}

func (r *relayOf) Send(_ context.Context, m notice.Message, beforeDot func(context.Context) error) (notice.Outcome, error) {
	r.asked++
	wire := r.answer(m.To, r.asked)
	if wire == "" {
		return notice.Outcome{Result: notice.Sent, Stage: "dot", Detail: "250 taken"}, beforeDot(context.Background())
	}
	reply := providers.ParseReply(providers.StageMail, wire)
	out := notice.Outcome{Result: notice.Failed, Stage: "rcpt", Reply: reply, Detail: wire}
	if reply.Code/100 == 4 {
		out.Result = notice.Retry
	}
	return out, nil
}

func takesAll() *relayOf { return &relayOf{answer: func(string, int) string { return "" }} }

func saysAlways(wire string) *relayOf {
	return &relayOf{answer: func(to string, _ int) string { return strings.ReplaceAll(wire, "{to}", to) }}
}

func clinics(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("maria%d@clinic%d.example", i, i))
	}
	return all
}

// About ourselves, in the words of relays; and about a recipient. What decides is not among them.
var (
	aboutUs = []string{
		"550 Outgoing mail from this account is suspended",
		"554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message",
		"554 5.2.0 STOREDRV.Submission.Exception:ShutoffQuotaExceededException; Failed to process message",
		"550 Request failed; Mailbox unavailable",
		"550 Sender address is not allowed.",
		"550 that smtp user has been disabled",
		"550 Your SMTP account is not yet activated",
		"550 The account is disabled",
		"550 Sending is paused. Your account is under review",
		"550 Your account has been temporarily blocked",
		"550 From header must contain a verified sender",
		"554 5.7.1 Reject due to policy restrictions",
		"554 Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: support@product.example",
		"554 Message rejected: Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.",
		"550 5.7.1 Unauthenticated email is not accepted from this domain",
		"550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.",
		"550 5.1.8 Access denied, bad outbound sender",
		"550 5.7.60 SMTP; Client does not have permissions to send as this sender",
		"552 5.7.0 Daily user sending limit exceeded",
		"550 5.4.5 Daily SMTP relay limit exceeded for customer. For more information on SMTP relay sending limits please contact your administrator.",
		"550 5.7.0 Mail relay denied. Invalid credentials for relay for one of the domains in: example (as obtained from HELO and MAIL FROM).",
		"550 5.7.1 Relaying denied",
		"554 5.7.1 <{to}>: Relay access denied",
		"550 Domain sunrise.example is not allowed to send mail: Please activate your domain. See official documentation",
		"550 5.7.1 Your IP 203.0.113.7 is listed by a blocklist",
		"554 5.7.1 Service unavailable; Client host [203.0.113.7] blocked",
		"550 5.7.26 This mail is unauthenticated, which poses a security risk to the sender",
		"550 5.7.509 Access denied, sending domain does not pass DMARC verification",
		"550 Account suspended",
		"550 Maximum credits exceeded",
		"550 Authenticated user is over its quota",
		"554 5.7.8 Sender is locked out",
		"550 Sender verify failed",
		"550 Unrouteable sender domain",
		"553 5.7.1 <support@product.example>: Sender address rejected: not owned by user support",
		"550 5.1.0 Address rejected.",
		"550 Trial accounts may send to verified recipients only",
		"521 5.3.0 this server takes no mail from you",
		"550 nobody has ever seen this wording",
		"550",
		"571 Delivery not authorized, message refused",
		"556 5.1.10 we do not like you",
		"550 5.0.1 Billing information is required",
		"550 Sender domain expired",
		"550 5.7.54 unable to relay for your account",
		"550 TLS required for your account",
		"550 License has expired",
		"550 Message not accepted for policy reasons",
		"550 5.7.1 Service refused by administrator",
		"550 Kontingent erschöpft",
	}
	aboutThem = []string{
		"550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table",
		"550 5.1.1 The email account that you tried to reach does not exist.",
		"550 5.1.1 no such user",
		"550 5.2.1 The email account that you tried to reach is disabled.",
		"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {to} not found by SMTP address lookup",
		"550 No such user here",
		"553 5.1.2 We weren't able to find the recipient domain.",
		"550 5.1.1 mailbox not found",
		"550 user does not exist",
		"554 delivery error: dd This user doesn't have a yahoo.com account ({to}) [0]",
	}
)

// Sixty wordings, at one recipient and at several domains: at several nobody fails and nobody is on the call list,
// operations get one line, and when the relay is fixed all leave. At one, words that a rule knows to be about the
// recipient are believed at the second try; what no rule knows waits for a mail that the relay takes.
func TestTheRelaysWordOnUs(t *testing.T) {
	if n := len(aboutUs) + len(aboutThem); n != 60 {
		t.Errorf("%d wordings", n)
	}
	for _, wire := range slices.Concat(aboutUs, aboutThem) {
		relay := saysAlways(wire)
		d := newDelivery(t, relay, clinics(6)...)
		d.work()
		if d.count(audit.NoticeQueued) != 6 || len(d.called) != 0 {
			t.Errorf("%s: %v, to call %q", wire, d.states(), d.called)
		}
		var ours *notice.RelayError
		if words := strings.Fields(wire)[0]; len(d.errs) == 0 || !errors.As(d.errs[len(d.errs)-1], &ours) || !strings.Contains(ours.Error(), words) {
			t.Errorf("%s: operations are told %v", wire, d.errs)
		}
		if relay.asked > 24 {
			t.Errorf("%s: the relay was asked %d times", wire, relay.asked)
		}
		d.start(takesAll())
		if d.count(audit.NoticeSent) != 6 || len(d.errs) != 0 {
			t.Errorf("%s: after the fix %v, %v", wire, d.states(), d.errs)
		}

		one := newDelivery(t, saysAlways(wire), "maria@sunrise.example")
		one.work()
		known := slices.Contains(aboutThem, wire)
		if failed := one.count(audit.NoticeFailed) == 1; failed != (len(one.called) == 1) || known && !failed {
			t.Errorf("%s: at one recipient %v, to call %q", wire, one.states(), one.called)
		}
		t.Logf("%-8s at one recipient, queued at six: %s", one.states()[0], wire)
	}
}

// A recipient that the relay refuses, while it takes the mails of others, is on the call list whatever the words.
func TestARefusalIsBelievedOnceTheRelayTookAnother(t *testing.T) {
	for _, wire := range []string{"550 5.1.1 no such user", "550 nobody has ever seen this wording"} {
		for _, dead := range []int{0, 2, 4} {
			contacts := clinics(5)
			relay := &relayOf{answer: func(to string, _ int) string {
				if to == contacts[dead] {
					return wire
				}
				return ""
			}}
			d := newDelivery(t, relay, contacts...)
			d.work()
			failed := dead < 4 || strings.Contains(wire, "5.1.1") // the last one has nothing after it to compare with
			if got := d.count(audit.NoticeFailed) == 1; got != failed || d.count(audit.NoticeSent) != 4 || (len(d.called) == 1) != failed {
				t.Errorf("%s, %d of 5: %v, to call %q", wire, dead+1, d.states(), d.called)
			}
		}
	}
}

// A few contacts that are gone, first in the queue, keep nobody waiting, and are on the call list in the end.
func TestDeadContactsFirstInTheQueue(t *testing.T) {
	contacts := clinics(9)
	relay := &relayOf{answer: func(to string, _ int) string {
		if slices.Contains(contacts[:5], to) {
			return "550 5.1.1 no such user"
		}
		return ""
	}}
	d := newDelivery(t, relay, contacts...)
	d.work()
	if d.count(audit.NoticeSent) != 4 || d.count(audit.NoticeFailed) != 5 || len(d.called) != 5 {
		t.Errorf("%v, to call %q", d.states(), d.called)
	}
}

// A quota that ends in mid-delivery fails nobody, though the relay has taken mails.
func TestAQuotaEndsInMidDelivery(t *testing.T) {
	relay := &relayOf{answer: func(_ string, asked int) string {
		if asked > 4 {
			return "550 The limit of your plan is reached"
		}
		return ""
	}}
	d := newDelivery(t, relay, clinics(12)...)
	d.work()
	if d.count(audit.NoticeSent) != 4 || d.count(audit.NoticeQueued) != 8 || len(d.called) != 0 || relay.asked != 7 {
		t.Errorf("%v after %d, to call %q", d.states(), relay.asked, d.called)
	}
}

// The first three mails of a delivery need not be for three domains.
func TestTheFirstMailsOfADelivery(t *testing.T) {
	d := newDelivery(t, saysAlways("550 nobody has ever seen this wording"), "a@group.example", "b@group.example", "c@group.example", "d@group.example")
	d.work()
	if d.count(audit.NoticeQueued) != 4 || len(d.errs) == 0 {
		t.Errorf("%v, %v", d.states(), d.errs)
	}
}

// While delivery pauses nothing is handed over; then one mail is tried, and each pause is longer than the last.
func TestDeliveryPausesLongerEachTime(t *testing.T) {
	relay := saysAlways("550 Account suspended by the billing department")
	d := newDelivery(t, relay, clinics(8)...)
	d.work()
	asked := relay.asked
	var pauses []time.Duration
	last := d.now
	for len(pauses) < 9 {
		d.now = d.now.Add(time.Minute)
		if d.work(); relay.asked > asked {
			if relay.asked != asked+1 {
				t.Fatalf("%d mails after a pause", relay.asked-asked)
			}
			pauses, asked, last = append(pauses, d.now.Sub(last)), relay.asked, d.now
		}
		if d.now.Sub(morning) > 48*time.Hour {
			t.Fatalf("pauses %v", pauses)
		}
	}
	if !slices.IsSorted(pauses) || pauses[0] != 5*time.Minute || pauses[8] != 4*time.Hour {
		t.Errorf("pauses %v", pauses)
	}
	if d.count(audit.NoticeQueued) != 8 || len(d.called) != 0 {
		t.Errorf("%v, to call %q", d.states(), d.called)
	}
	relay.answer = func(string, int) string { return "" }
	d.now = d.now.Add(4 * time.Hour)
	d.work()
	if d.count(audit.NoticeSent) != 8 {
		t.Errorf("after the fix %v", d.states())
	}
}

// A relay that names a time is left alone so long by all mails, where the limit is ours and not a recipient's.
func TestTheRelayNamesATime(t *testing.T) {
	for wire, all := range map[string]bool{
		"450 4.7.1 Rate limit exceeded, try again in 10 minutes":         true,
		"421 4.7.0 Too many messages, wait 600 seconds":                  true,
		"452 4.5.3 Too many recipients, retry after 10 minutes":          true,
		"451 4.7.1 Greylisted, please try again in 600 seconds":          false,
		"450 4.2.0 mailbox busy":                                         false,
		"452 4.2.2 mailbox full, message 12 of 30":                       false,
		"451 4.7.500 Server busy. Please try again later from 192.0.2.1": false,
	} {
		first := true
		relay := &relayOf{answer: func(string, int) string {
			if first {
				first = false
				return wire
			}
			return ""
		}}
		d := newDelivery(t, relay, clinics(4)...)
		d.work()
		if want := map[bool]int{true: 0, false: 3}[all]; d.count(audit.NoticeSent) != want || d.count(audit.NoticeQueued) != 4-want {
			t.Errorf("%s: %v", wire, d.states())
		}
		d.now = d.now.Add(10 * time.Minute)
		d.work()
		if d.count(audit.NoticeSent) != 4 {
			t.Errorf("%s: ten minutes later %v", wire, d.states())
		}
	}
}

// A relay that refuses our sign-in is not asked on and on.
func TestARefusedSignInIsNotRepeatedOnAndOn(t *testing.T) {
	relay := &turnsAway{}
	d := newDelivery(t, relay, clinics(20)...)
	d.work()
	if relay.asked != 3 || d.count(audit.NoticeQueued) != 20 {
		t.Errorf("asked %d times: %v", relay.asked, d.states())
	}
	if n := d.notices[0]; !strings.Contains(n.Detail, "535") {
		t.Errorf("detail %q", n.Detail)
	}
}

// turnsAway refuses our sign-in.
type turnsAway struct{ asked int }

func (r *turnsAway) Send(context.Context, notice.Message, func(context.Context) error) (notice.Outcome, error) {
	r.asked++
	err := &notice.RelayError{Stage: "auth", Err: errors.New("535 5.7.8 no")}
	return notice.Outcome{Result: notice.Retry, Stage: "auth", Detail: "535 5.7.8 no", Reply: providers.ParseReply(providers.StageMail, "535 5.7.8 no")}, err
}
