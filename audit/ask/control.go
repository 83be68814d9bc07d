package ask

import (
	"context"
	"slices"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// controlStore is what this file needs of the store. The contracts are in package audit.
type controlStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	Accepted(ctx context.Context, provider, after string, limit int) ([]audit.State, error)
}

// A server that turns everybody away would confirm every refusal, and between two runs no guard counts them. So before
// accounts are re-checked, one that works is asked at the same service: only a server that accepts somebody is believed
// when it refuses others.

const (
	controlHolds   = 10 * time.Minute // how long an acceptance vouches for its service
	controlsAsked  = 3                // that were refused: a single one may have broken today
	controlsBarred = 10               // whose attempts are used up
	controlsSeen   = 100              // accounts of the provider that are looked at, from the candidate's id on
	doubtFact      = "doubt/"         // of a run: a service refused accounts that work, and accepted none since
)

// Service is what an account signs in to: a host, and a way of authenticating.
type Service struct {
	host string
	auth audit.Auth
}

func ServiceOf(c Candidate) Service { return Service{c.Target.Endpoint.Host, c.Account.Auth} }

// control is when a service last accepted somebody.
type control struct {
	mu       sync.Mutex // held while somebody is asked: one control vouches for all
	accepted time.Time
}

const (
	refusesAll = "its mail server refuses mailboxes that work, too"
	mute       = "its mail server gives no answer"
)

// Doubted tells why a refusal of the candidate would not be believed now; "" where its service accepts somebody, or where
// no account that works could tell. Controls are taken from behind the candidate's id on, so that they are not always
// the same, and each is asked within its own attempts.
func (a *Asker) Doubted(ctx context.Context, run audit.Run, c Candidate) (why string, err error) {
	d := ServiceOf(c)
	control := a.controls.Of(d)
	control.mu.Lock()
	defer control.mu.Unlock()
	if age := a.Now().Sub(control.accepted); age >= 0 && age < controlHolds {
		return "", nil
	}
	accounts, states, err := a.controlsFor(ctx, c)
	if err != nil {
		return "", err
	}
	refused, barred := 0, 0
	for _, acc := range accounts {
		if refused == controlsAsked || barred == controlsBarred {
			break
		}
		r, asked, err := a.askControl(ctx, run, acc, states[acc.ID])
		switch {
		case err != nil:
			return "", err
		case !asked:
			barred++
		case r.Verdict.Fine() || r.Verdict == audit.SingleFactor:
			control.accepted = a.Now()
			return "", nil
		case !decide.Accuses(r.Class):
			return mute, nil
		default:
			refused++
		}
	}
	name := doubtFact + d.host + "/" + string(d.auth)
	if refused > 0 {
		_, err := a.Ledger.KeepFact(ctx, run.Key, name, audit.FormatMinute(a.Now()))
		return refusesAll, err
	}
	facts, err := a.Ledger.Facts(ctx, run.Key, name)
	if facts[name] != "" {
		why = refusesAll
	}
	return why, err
}

// controlsFor returns accounts that sign in at the candidate's service and were accepted the last time they were asked,
// those behind its id first, dealt by tenant: three that one tenant broke today say nothing of the service.
func (a *Asker) controlsFor(ctx context.Context, c Candidate) ([]audit.Account, map[string]audit.State, error) {
	provider, id := c.Target.Provider.Name, c.Account.ID
	known, err := a.Ledger.Accepted(ctx, provider, id, controlsSeen)
	if err == nil && len(known) < controlsSeen {
		var before []audit.State
		before, err = a.Ledger.Accepted(ctx, provider, "", controlsSeen-len(known))
		known = append(known, slices.DeleteFunc(before, func(st audit.State) bool { return st.AccountID >= id })...)
	}
	if err != nil {
		return nil, nil, err
	}
	order := audit.IDs(known, func(st audit.State) string { return st.AccountID })
	accounts, _, err := a.Aside.ReadAccounts(ctx, audit.Run{}, order)
	if err != nil {
		return nil, nil, err
	}
	var at []audit.Account
	for _, id := range order {
		acc, there := accounts[id]
		if !there || audit.IsCanary(a.Policy, id) {
			continue
		}
		if target, err := a.Resolve(ctx, acc); err == nil && (Service{target.Endpoint.Host, acc.Auth}) == ServiceOf(c) {
			at = append(at, acc)
		}
	}
	at = decide.Deal(at, func(acc audit.Account) string { return acc.TenantID }, func(audit.Account) bool { return false })
	return at, audit.StatesByID(known), nil
}

// askControl asks an account that works; asked is false where it cannot be asked, or has used up its attempts.
func (a *Asker) askControl(ctx context.Context, run audit.Run, acc audit.Account, st audit.State) (r audit.Result, asked bool, err error) {
	sealed, _, err := a.Aside.ReadSecrets(ctx, audit.Run{}, []string{acc.ID})
	if err != nil {
		return r, false, err
	}
	c, reason := a.Candidate(ctx, acc, st, sealed[acc.ID])
	if reason != "" || c.fingerprint != c.before.AcceptedFingerprint {
		return r, false, nil // a secret that has changed vouches for nothing
	}
	got, err := a.AskAgain(ctx, c, run.Key)
	if err != nil || got.Unasked != "" {
		return r, false, err
	}
	r = baseResult(c, got.At)
	a.judge(&r, c, got.Conv)
	a.logBetween(r, got.Conv)
	return r, true, nil
}
