package audit

import "time"

// Heard is what a customer was mailed about the account's present verdict.
type Heard struct {
	Kind   NoticeKind // of the last mail that left; "" if none did
	At     time.Time  // when it left
	First  int64      // the first notice that left
	Unsure bool       // none of them is known to have arrived
	Failed int64      // the last notice that was refused for good where none left; 0 if none was
}

// heard goes by the mails themselves: the cadence goes on from a mail that was refused for good as from one
// that left. since is when the verdict before this one was last seen.
func (h History) heard(st State, since time.Time) (heard Heard) {
	for _, n := range h.Notices {
		if _, ok := n.item(st.AccountID); !ok || n.Kind == KindAhead || !n.tells(st, since) {
			continue
		}
		switch n.State {
		case NoticeSent, NoticeAmbiguous:
			if heard.First == 0 {
				heard.First, heard.Unsure = n.ID, true
			}
			heard.Kind, heard.At = n.Kind, latest(n.SentAt, n.CreatedAt)
			heard.Unsure = heard.Unsure && n.State == NoticeAmbiguous
		case NoticeFailed:
			heard.Failed = n.ID
		}
	}
	if heard.First != 0 {
		heard.Failed = 0
	}
	return heard
}

// tells whether a mail is about the verdict as it stands: a finding's own, or the one that ended the last.
func (n Notice) tells(st State, since time.Time) bool {
	if st.Told.Step > 0 {
		return !st.Told.Shadow && !n.Kind.closes() && n.ID >= st.Told.NoticeID
	}
	return n.Kind.closes() && !n.CreatedAt.Before(since)
}
