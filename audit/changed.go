package audit

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/providers"
)

// Changed is what run --changed did.
type Changed struct {
	Asked   int // accounts with an open finding and a changed secret
	Mended  int // of these, accepted
	Refused int // of these, not accepted; the next run judges them
	Notices []int64
}

// Changed asks the accounts that have an open finding and another secret than the one that was refused. It
// is no run and opens nothing: an acceptance ends the finding and its customer is told at once, every other
// answer is left to the next run. A secret is asked once so, and the day's last attempt is left to the night.
func (a *Auditor) Changed(ctx context.Context, scope Scope) (Changed, error) {
	var out Changed
	for after := ""; ; {
		page, err := a.Ledger.Failing(ctx, after, settlePage)
		if err != nil || len(page) == 0 {
			return out, err
		}
		after = page[len(page)-1].AccountID
		changed, err := a.withChangedSecret(ctx, page, scope)
		if err != nil {
			return out, err
		}
		if err := a.askChanged(ctx, changed, &out); err != nil {
			return out, err
		}
	}
}

// asking is an account that is asked between two runs.
type asking struct {
	candidate
	before State
}

func (a *Auditor) withChangedSecret(ctx context.Context, page []State, scope Scope) ([]asking, error) {
	accounts, sealed, err := a.withSecrets(ctx, Run{}, ids(page, func(s State) string { return s.AccountID }))
	if err != nil {
		return nil, err
	}
	var changed []asking
	for _, st := range page {
		acc, ok := accounts[st.AccountID]
		if !ok || scope.Tenant != "" && acc.TenantID != scope.Tenant || scope.Provider != "" && st.Provider != scope.Provider {
			continue
		}
		secret, err := a.Open(acc.ID, sealed[acc.ID])
		if err != nil {
			a.Log.Error("secret not opened", "account", acc.ID, "err", err)
			continue
		}
		if print := a.Fingerprints.Secret(secret); secret.Empty() || st.Fingerprint == "" || print == st.Fingerprint || print == st.Tried {
			continue
		}
		c, reason := a.candidate(ctx, acc, sealed[acc.ID])
		if reason != "" {
			a.Log.Warn("changed secret not asked", "account", acc.ID, "why", reason)
			continue
		}
		changed = append(changed, asking{c, st})
	}
	return changed, nil
}

// withSecrets reads accounts and their stored secrets, those left out that cannot be read.
func (a *Auditor) withSecrets(ctx context.Context, run Run, wanted []string) (map[string]Account, map[string][]byte, error) {
	accounts, unread, err := a.accounts(ctx, run, wanted)
	if err != nil {
		return nil, nil, err
	}
	sealed, unopened, err := a.sealed(ctx, run, slices.Sorted(maps.Keys(accounts)))
	for _, id := range wanted {
		if why := cmp.Or(unread[id], unopened[id]); why != nil {
			delete(accounts, id)
			a.Log.Error("account not read", "account", id, "err", why)
		}
	}
	return accounts, sealed, err
}

func (a *Auditor) askChanged(ctx context.Context, changed []asking, out *Changed) error {
	limit := a.Policy.Attempts
	limit.PerSecret = max(1, limit.PerSecret-1)
	results, _, interrupted := a.askAll(ctx, changed, a.asker(limit))
	var mended []State
	tried := map[string]string{}
	for _, ask := range changed {
		r, asked := results[ask.account.ID]
		switch {
		case !asked:
			continue
		case r.Verdict.Fine():
			mended = append(mended, Mend(ask.before, r, a.Now()))
		case r.Verdict != Unverified:
			tried[ask.account.ID] = r.Fingerprint
			out.Refused++
		}
		out.Asked++
	}
	ctx = context.WithoutCancel(ctx) // what was learned is kept even while we are being stopped
	if err := a.Ledger.Tried(ctx, tried); err != nil {
		return err
	}
	n, notices, err := a.mend(ctx, mended)
	out.Mended += n
	out.Notices = append(out.Notices, notices...)
	if err != nil {
		return err
	}
	return interrupted
}

// askedAtOnce bounds the conversations between two runs; what a provider bears is the pacer's business.
const askedAtOnce = 16

// answered is what came of asking one account between two runs.
type answered struct {
	conv    providers.Conversation
	at      time.Time // of the answer
	unasked string    // why no conversation was held; "" if one was
}

// asker asks within a limit of attempts.
func (a *Auditor) asker(limit AttemptLimit) func(context.Context, candidate) (answered, error) {
	return func(ctx context.Context, c candidate) (answered, error) {
		conv, granted, err := a.askNow(ctx, c, limit)
		if !granted {
			return answered{unasked: attemptsUsedUp}, err
		}
		return answered{conv: conv, at: a.Now()}, err
	}
}

// askAll asks accounts and returns, by account, the results of those that were asked, and why the others were not.
// Accounts that share login and secret are asked once.
func (a *Auditor) askAll(ctx context.Context, all []asking, ask func(context.Context, candidate) (answered, error)) (results map[string]Result, unasked map[string]string, err error) {
	shared := map[AttemptKey][]asking{}
	var order []AttemptKey
	for _, ask := range all {
		if len(shared[ask.key]) == 0 {
			order = append(order, ask.key)
		}
		shared[ask.key] = append(shared[ask.key], ask)
	}
	results, unasked = map[string]Result{}, map[string]string{}
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for _, key := range order {
		group.Go(func() error {
			got, err := ask(inner, shared[key][0].candidate)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, ask := range shared[key] {
				if got.unasked != "" {
					unasked[ask.account.ID] = got.unasked
					continue
				}
				r := baseResult(ask.candidate, got.at)
				a.judge(&r, ask.candidate, got.conv, ask.before)
				a.logBetween(r, got.conv)
				results[ask.account.ID] = r
			}
			return nil
		})
	}
	return results, unasked, group.Wait()
}

func (a *Auditor) logBetween(r Result, conv providers.Conversation) {
	a.Log.Info("asked between two runs", "account", r.AccountID, "provider", r.Provider, "class", string(r.Class),
		"verdict", string(r.Verdict), "stage", string(conv.Stage), "ms", conv.Took.Milliseconds())
}

// mend stores accounts that were accepted between two runs, and writes the mails that say so.
func (a *Auditor) mend(ctx context.Context, mended []State) (n int, notices []int64, err error) {
	var stored []string
	err = apart(mended, a.spares(ctx, Run{}, a.Ledger), func(some []State) error {
		ids, err := a.Ledger.Mend(ctx, some)
		stored = append(stored, ids...)
		return err
	}, func(st State, err error) error {
		a.Log.Error("an acceptance cannot be stored; the next run judges the account", "account", st.AccountID, "err", err)
		return nil
	})
	if err != nil || len(stored) == 0 || a.Policy.Mode == ModeOff {
		return len(stored), nil, err
	}
	now := a.Now()
	mailing, err := a.Ledger.Mailing(ctx, stored, now.Add(-mailsWithin))
	if err != nil {
		return len(stored), nil, err
	}
	accounts, _, err := ReadAccounts(ctx, a.Accounts, stored)
	if err != nil {
		return len(stored), nil, err
	}
	states := map[string]State{}
	for _, st := range mended {
		states[st.AccountID] = st
	}
	cadence := a.Policy.Cadence
	cadence.Shadow = a.Policy.Mode == ModeShadow
	var mails envelopes
	for _, id := range stored {
		acc, there := accounts[id]
		st := states[id]
		if !there {
			continue // gone, or unreadable: then the next run tells
		}
		if cadence.decide(now, st.Settled, st.Told, true, mailing[acc.ID]).Kind != KindRecovered {
			continue
		}
		mails.put(Notice{
			Kind: KindRecovered, TenantID: acc.TenantID, ContactEmail: FoldAddress(acc.ContactEmail), Provider: st.Provider,
			Thread: st.Told.NoticeID, CreatedAt: now, DueAt: now,
			Items: []NoticeItem{{AccountID: acc.ID, Verdict: st.Told.Verdict, Since: now}},
		})
	}
	notices, _, err = a.enqueue(ctx, "accepted "+now.UTC().Format(time.RFC3339Nano), mails)
	return len(stored), notices, err
}
