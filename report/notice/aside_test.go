package notice_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/report/notice"
)

// A mail whose account cannot be read is set aside or leaves without it; what is about a database waits.
func TestMailThatCannotBePreparedIsSetAside(t *testing.T) {
	row, away := &audit.RowError{Err: errors.New("bad")}, errors.New("connection refused")
	both := []audit.NoticeItem{{AccountID: "1", Verdict: audit.Revoked}, {AccountID: "2", Verdict: audit.Revoked}}
	for name, tt := range map[string]struct {
		set      func(*box)
		provider string
		state    audit.NoticeState
		narrowed []string
		fails    bool
	}{
		"one of two accounts is unreadable": {func(b *box) { b.unread, b.n.Items = row, both }, "google", audit.NoticeAmbiguous, []string{"1"}, false},
		"its only account is unreadable":    {func(b *box) { b.unread, b.n.Items = row, both[1:] }, "google", audit.NoticeSuppressed, nil, false},
		"a state is unreadable":             {func(b *box) { b.unstated = row }, "google", audit.NoticeSuppressed, nil, false},
		"the letter cannot be written":      {func(*box) {}, "no-such-provider", audit.NoticeSuppressed, nil, false},
		"the source is away":                {func(b *box) { b.unread, b.n.Items = away, both }, "google", audit.NoticeQueued, nil, true},
		"the database is away":              {func(b *box) { b.unstated = away }, "google", audit.NoticeQueued, nil, true},
	} {
		b := &box{}
		b.queue(7, "maria@clinic.example")
		b.n.Provider = tt.provider
		tt.set(b)
		err := b.desk(t, taker{}).Notify(t.Context(), 7)
		if b.n.State != tt.state || (err != nil) != tt.fails || !slices.Equal(b.narrowed, tt.narrowed) {
			t.Errorf("%s: %s (%s), %v, kept %v", name, b.n.State, b.n.Detail, err, b.narrowed)
		}
		if aside := strings.HasPrefix(b.n.Detail, audit.SetAside); aside != (tt.state == audit.NoticeSuppressed) {
			t.Errorf("%s: detail %q", name, b.n.Detail)
		}
	}
}

// taker is a relay that takes every mail, and goes silent over it.
type taker struct{}

func (taker) Send(context.Context, notice.Message, func(context.Context) error) (notice.Outcome, error) {
	return notice.Outcome{Result: notice.Ambiguous}, nil
}
