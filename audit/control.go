package audit

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A server that turns everybody away would confirm every refusal, and between two runs no guard counts them. So before
// accounts are re-checked, one that works is asked at the same door: only a server that accepts somebody is believed
// when it refuses others.

const (
	controlHolds   = 10 * time.Minute // how long an acceptance vouches for its door
	controlsAsked  = 3                // that were refused: a single one may have broken today
	controlsBarred = 10               // whose attempts are used up
	controlsSeen   = 100              // accounts of the provider that are looked at, from the candidate's id on
	doubtFact      = "doubt/"         // of a run: a door refused accounts that work, and accepted none since
)

// door is what an account signs in at, and how.
type door struct {
	host string
	auth Auth
}

func doorOf(c candidate) door { return door{c.target.Endpoint.Host, c.account.Auth} }

// control is when a door last accepted somebody.
type control struct {
	mu       sync.Mutex // held while somebody is asked: one control vouches for all
	accepted time.Time
}

const (
	refusesAll = "its mail server refuses mailboxes that work, too"
	mute       = "its mail server gives no answer"
)

// doubted tells why a refusal of the candidate would not be believed now; "" where its door accepts somebody, or where
// no account that works could tell. Controls are taken from behind the candidate's id on, so that they are not always
// the same, and each is asked within its own attempts.
func (a *Auditor) doubted(ctx context.Context, run Run, c candidate) (why string, err error) {
	d := doorOf(c)
	control := a.controls.of(d)
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
		case r.Verdict.Fine() || r.Verdict == SingleFactor:
			control.accepted = a.Now()
			return "", nil
		case !accuses(r.Class):
			return mute, nil
		default:
			refused++
		}
	}
	name := doubtFact + d.host + "/" + string(d.auth)
	if refused > 0 {
		_, err := a.Ledger.KeepFact(ctx, run.Key, name, minute(a.Now()))
		return refusesAll, err
	}
	facts, err := a.Ledger.Facts(ctx, run.Key, name)
	if facts[name] != "" {
		why = refusesAll
	}
	return why, err
}

// controlsFor returns accounts that sign in at the candidate's door and were accepted the last time they were asked,
// those behind its id first.
func (a *Auditor) controlsFor(ctx context.Context, c candidate) ([]Account, map[string]State, error) {
	provider, id := c.target.Provider.Name, c.account.ID
	known, err := a.Ledger.Accepted(ctx, provider, id, controlsSeen)
	if err == nil && len(known) < controlsSeen {
		var before []State
		before, err = a.Ledger.Accepted(ctx, provider, "", controlsSeen-len(known))
		known = append(known, slices.DeleteFunc(before, func(st State) bool { return st.AccountID >= id })...)
	}
	if err != nil {
		return nil, nil, err
	}
	order := ids(known, func(st State) string { return st.AccountID })
	accounts, _, err := a.accounts(ctx, Run{}, order)
	if err != nil {
		return nil, nil, err
	}
	var at []Account
	for _, id := range order {
		acc, there := accounts[id]
		if !there || a.isCanary(id) {
			continue
		}
		if target, err := a.Resolve(ctx, acc); err == nil && (door{target.Endpoint.Host, acc.Auth}) == doorOf(c) {
			at = append(at, acc)
		}
	}
	return at, StatesByID(known), nil
}

// askControl asks an account that works; asked is false where it cannot be asked, or has used up its attempts.
func (a *Auditor) askControl(ctx context.Context, run Run, acc Account, st State) (r Result, asked bool, err error) {
	sealed, _, err := a.sealed(ctx, Run{}, []string{acc.ID})
	if err != nil {
		return r, false, err
	}
	c, reason := a.candidate(ctx, acc, sealed[acc.ID])
	if reason != "" || c.print != st.AcceptedFingerprint {
		return r, false, nil // a secret that has changed vouches for nothing
	}
	got, err := a.askAgain(ctx, c, run.Key)
	if err != nil || got.unasked != "" {
		return r, false, err
	}
	r = baseResult(c, got.at)
	a.judge(&r, c, got.conv, st)
	a.logBetween(r, got.conv)
	return r, true, nil
}
