package operate

import (
	"context"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
)

// Watched is what one process has seen of the accounts with an open finding. It decides nothing: what it picks is opened,
// and the opened secret's fingerprint tells whether it is another.
type Watched struct {
	// Digests lets the stored bytes of a secret pick an account whose source has no updated_at. Not where they are open secrets:
	// these are read for a conversation alone.
	Digests bool

	seen map[string]look
}

// look is the last one at an account.
type look struct {
	mark  string    // of its row; another one picks it
	again time.Time // when it is picked whatever its mark; zero: not
}

// askAgainAfter is how long an account waits whose provider gave no answer.
const askAgainAfter = 5 * time.Minute

// Watch is [Desk.Changed] for the accounts whose rows have changed since the last call with w, and for those that w has not seen.
// It is called by one goroutine at a time.
func (d *Desk) Watch(ctx context.Context, w *Watched) (Changed, error) {
	var out Changed
	if w.seen == nil {
		w.seen = map[string]look{}
	}
	seen := make(map[string]look, len(w.seen))
	for after := ""; ; {
		page, err := d.Ledger.Failing(ctx, after, settlePage)
		if err != nil {
			return out, err
		}
		if len(page) == 0 {
			w.seen = seen // whose finding has ended is forgotten
			return out, nil
		}
		after = page[len(page)-1].AccountID
		if err := d.watchPage(ctx, w, page, seen, &out); err != nil {
			return out, err
		}
	}
}

func (d *Desk) watchPage(ctx context.Context, w *Watched, page []audit.State, seen map[string]look, out *Changed) error {
	marks, err := d.marks(ctx, page, w.Digests)
	if err != nil {
		return err
	}
	now := d.Now()
	var picked []audit.State
	for _, st := range page {
		mark, there := marks[st.AccountID]
		if !there {
			continue
		}
		was, known := w.seen[st.AccountID]
		seen[st.AccountID] = was
		if !known || was.mark != mark || !was.again.IsZero() && !now.Before(was.again) {
			picked = append(picked, st)
		}
	}
	if len(picked) == 0 {
		return nil
	}
	changed, err := d.withChangedSecret(ctx, picked, audit.Scope{})
	if err != nil {
		return err
	}
	later, err := d.askChanged(ctx, changed, out)
	if err != nil {
		return err
	}
	for _, st := range picked {
		seen[st.AccountID] = look{marks[st.AccountID], later[st.AccountID]}
		w.seen[st.AccountID] = seen[st.AccountID] // also where a later page fails
	}
	return nil
}

// marks tell, by account, one version of its row from another. Accounts without one are not watched.
func (d *Desk) marks(ctx context.Context, page []audit.State, digests bool) (map[string]string, error) {
	accounts, _, err := aside.ReadAccounts(ctx, d.Accounts, audit.IDs(page, func(s audit.State) string { return s.AccountID }))
	if err != nil {
		return nil, err
	}
	marks := map[string]string{}
	var undated []string
	for id, acc := range accounts {
		if acc.UpdatedAt.IsZero() {
			undated = append(undated, id)
			continue
		}
		marks[id] = acc.UpdatedAt.UTC().Format(time.RFC3339Nano)
	}
	if !digests || len(undated) == 0 {
		return marks, nil
	}
	slices.Sort(undated)
	sealed, _, err := d.Aside.ReadSecrets(ctx, audit.Run{}, undated)
	for id, bytes := range sealed {
		marks[id] = d.Ask.Fingerprints.Name("stored bytes", id+"\x00"+string(bytes))
	}
	return marks, err
}

// laterFor tells when an account is picked again to which nothing definite was said; zero for the others.
func (d *Desk) laterFor(r audit.Result, unasked string) time.Time {
	switch {
	case unasked == ask.AttemptsUsedUp:
		return d.Ask.Tomorrow()
	case unasked != "", r.Verdict == "", r.Verdict == audit.Unverified:
		return d.Now().Add(askAgainAfter)
	}
	return time.Time{}
}
