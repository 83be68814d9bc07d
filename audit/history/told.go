package history

import (
	"time"

	"mailaudit/audit"
)

// Heard is what a customer was mailed about the account's present verdict.
type Heard struct {
	Kind   audit.NoticeKind // of the last mail that left; "" if none did
	At     time.Time        // when it left
	First  int64            // the first notice that left
	Unsure bool             // none of them is known to have arrived
	Failed int64            // the last notice that was refused for good where none left; 0 if none was
}

// heardOf goes by the mails themselves: the cadence goes on from a mail that was refused for good as from one
// that left. since is when the verdict before this one was last seen.
func heardOf(h audit.History, st audit.State, since time.Time) (heard Heard) {
	for _, n := range h.Notices {
		if _, ok := n.Item(st.AccountID); !ok || n.Kind == audit.KindAhead || !tells(n, st, since) {
			continue
		}
		switch n.State {
		case audit.NoticeSent, audit.NoticeAmbiguous:
			if heard.First == 0 {
				heard.First, heard.Unsure = n.ID, true
			}
			heard.Kind, heard.At = n.Kind, audit.Latest(n.SentAt, n.CreatedAt)
			heard.Unsure = heard.Unsure && n.State == audit.NoticeAmbiguous
		case audit.NoticeFailed:
			heard.Failed = n.ID
		}
	}
	if heard.First != 0 {
		heard.Failed = 0
	}
	return heard
}

// reports whether a mail is about the verdict as it stands: a finding's own, or the one that ended the last.
func tells(n audit.Notice, st audit.State, since time.Time) bool {
	if st.Told.Step > 0 {
		return !st.Told.Shadow && !n.Kind.Closes() && n.ID >= st.Told.NoticeID
	}
	return n.Kind.Closes() && !n.CreatedAt.Before(since)
}
