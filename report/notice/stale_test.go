package notice_test

import (
	"context"
	"regexp"
	"slices"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/report/notice"
)

// slow is a relay that takes its time before a message's final dot.
type slow struct {
	takes func()
	begun int
	took  int // mails
}

func (s *slow) Send(ctx context.Context, _ notice.Message, beforeDot func(context.Context) error) (notice.Outcome, error) {
	s.begun++
	s.takes()
	if err := beforeDot(ctx); err != nil {
		return notice.Outcome{Result: notice.Retry, Stage: "data", Detail: err.Error()}, err
	}
	s.took++
	return notice.Outcome{Result: notice.Sent, Stage: "dot"}, nil
}

func (b *box) HandOver(context.Context, int64, audit.Claim, string, time.Time) error {
	b.n.State = audit.NoticeAmbiguous
	return nil
}
func (b *box) Sent(context.Context, int64, audit.Claim, time.Time, string) error {
	b.n.State = audit.NoticeSent
	return nil
}

// A mail that accuses leaves on a refusal of the last 24 hours, however long the relay takes; another one leaves
// whenever it may.
func TestNoMailLeavesOnAnOldRefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		kind  audit.NoticeKind
		age   time.Duration // of the refusal when the mail is begun
		relay time.Duration // until the final dot
		sent  bool
		stale bool
	}{
		"of the night":                          {audit.KindFinding, 7 * time.Hour, 0, true, false},
		"a day old":                             {audit.KindFinding, 24 * time.Hour, 0, true, false},
		"older":                                 {audit.KindFinding, 24*time.Hour + time.Second, 0, false, true},
		"a reminder on an older one":            {audit.KindReminder, 25 * time.Hour, 0, false, true},
		"a day old before the relay has it":     {audit.KindFinding, 23*time.Hour + 58*time.Minute, 3 * time.Minute, false, false},
		"almost a day old when the relay is in": {audit.KindFinding, 23*time.Hour + 58*time.Minute, time.Minute, true, false},
		"a correction, which accuses nobody":    {audit.KindCorrection, 900 * time.Hour, 0, true, false},
	} {
		now := morning
		b := &box{seen: func() time.Time { return morning.Add(-tt.age) }}
		b.queue(1, "maria@sunrise.example")
		b.n.Kind, b.n.Items[0].Since = tt.kind, night(11, 22)
		relay := &slow{takes: func() { now = now.Add(tt.relay) }}
		d := b.desk(t, relay)
		d.Now = func() time.Time { return now }
		stale, err := d.Stale(t.Context(), b.n)
		if err != nil || slices.Contains(stale, "1") != tt.stale {
			t.Errorf("%s: to be re-checked: %v, %v", name, stale, err)
		}
		if err := d.Notify(t.Context(), 1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := audit.NoticeQueued
		if tt.sent {
			want = audit.NoticeSent
		}
		if tt.stale && relay.begun > 0 {
			t.Errorf("%s: the relay was bothered", name)
		}
		if b.n.State != want || relay.took != map[bool]int{true: 1}[tt.sent] {
			t.Errorf("%s: the notice is %s, %d mails taken", name, b.n.State, relay.took)
		}
	}
}

// The mail names the day on which the provider was asked once more.
func TestTheMailNamesTheDayOfTheRecheck(t *testing.T) {
	for name, tt := range map[string]struct {
		seen time.Time
		want string
	}{
		"in the night it tells of":         {night(11, 22).Add(20 * time.Minute), "November 22"},
		"in the same night, past midnight": {night(11, 22).Add(16 * time.Hour), "November 22"},
		"re-checked since":                 {night(11, 25), "November 22 and 25"},
	} {
		b := &box{seen: func() time.Time { return tt.seen }}
		b.queue(1, "maria@sunrise.example")
		m, why, err := b.desk(t, nil).Preview(t.Context(), b.n, true)
		if err != nil || why != "" {
			t.Fatalf("%s: %s, %v", name, why, err)
		}
		got := regexp.MustCompile(`On (November [0-9]+( and [0-9]+)*)`).FindStringSubmatch(m.Text)
		if len(got) == 0 || got[1] != tt.want {
			t.Errorf("%s: %q, want %q:\n%s", name, got, tt.want, m.Text)
		}
	}
}
