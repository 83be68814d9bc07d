package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// recheckPause is how long a notice waits after a re-check that came to nothing by the hour: the provider gave no
// answer, or a person is to decide.
const recheckPause = time.Hour

// later is why an account cannot be re-checked now, and when it is looked at again.
type later struct {
	why   string
	until time.Time
}

// recheck is one notice whose evidence is renewed.
type recheck struct {
	*Auditor
	notice Notice
	run    Run // see lastRunOf
	states map[string]State
	later  map[string]later // by account that is not decided on
}

// Recheck asks accounts of a queued notice again whose refusal is too old for a mail to leave on, within the day's
// attempts. An account that is refused alike has its evidence renewed; one that is accepted has its finding ended. Where
// an account cannot be decided on, the notice waits whole, and its detail tells for what; but once a run has concluded
// meanwhile, such accounts leave the notice to the others, and a later run writes theirs. Nothing is asked while a run
// is at work on the accounts or a guard holds their provider.
func (a *Auditor) Recheck(ctx context.Context, n Notice, stale []string) error {
	r := recheck{Auditor: a, notice: n, later: map[string]later{}}
	var err error
	if r.run, err = a.lastRunOf(ctx, n); err != nil {
		return err
	}
	switch put, err := r.notNow(ctx); {
	case err != nil:
		return err
	case put.why != "":
		return r.wait(ctx, put)
	}
	if err := r.ask(ctx, stale); err != nil {
		return err
	}
	return r.decide(ctx)
}

// lastRunOf is the newest concluded run that covers the notice, or the newest at all.
func (a *Auditor) lastRunOf(ctx context.Context, n Notice) (Run, error) {
	runs, err := a.Ledger.ListRuns(ctx, nightRuns, false)
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, ErrNoRun // then no mail is allowed either
	}
	i := slices.IndexFunc(runs, func(r Run) bool { return r.Status == RunConcluded && r.Scope.covers(n) })
	return runs[max(i, 0)], nil
}

// covers reports whether a run of the scope asks every account that the notice may name.
func (s Scope) covers(n Notice) bool {
	return s.Limit == 0 && (s.Tenant == "" || s.Tenant == n.TenantID) && (s.Provider == "" || s.Provider == n.Provider)
}

// notNow tells what speaks against asking any of the accounts at this moment.
func (r *recheck) notNow(ctx context.Context) (later, error) {
	now := r.Now()
	open, err := r.Ledger.ListRuns(ctx, nightRuns, true)
	if err != nil {
		return later{}, err
	}
	for _, run := range open {
		if run.Scope.covers(r.notice) && now.Before(run.Deadline) {
			return later{"run " + run.Key + " is at work on it", run.Deadline}, nil
		}
	}
	if held, err := r.isHeld(ctx, r.notice.Provider); held || err != nil {
		return later{"a guard holds notices of " + r.title(r.notice.Provider) + " until a person decides", now.Add(recheckPause)}, err
	}
	return later{}, nil
}

// ask asks the accounts and stores what was learned, also where it is cut off.
func (r *recheck) ask(ctx context.Context, stale []string) (err error) {
	if r.states, _, err = r.Auditor.states(ctx, Run{}, stale); err != nil {
		return err
	}
	accounts, sealed, err := r.withSecrets(ctx, Run{}, stale)
	if err != nil {
		return err
	}
	slices.Sort(stale)
	var all []asking
	doubts := map[door]string{}
	for _, id := range stale {
		var c candidate
		reason := "what is stored of it cannot be read"
		if acc, there := accounts[id]; there && r.states[id].AccountID != "" {
			c, reason = r.candidate(ctx, acc, sealed[id])
		}
		if d := doorOf(c); reason == "" {
			if _, known := doubts[d]; !known {
				if doubts[d], err = r.doubted(ctx, r.run, c); err != nil {
					return err
				}
			}
			reason = doubts[d]
		}
		if reason != "" {
			r.later[id] = later{reason, r.Now().Add(recheckPause)}
			continue
		}
		all = append(all, asking{c, r.states[id]})
	}
	results, unasked, interrupted := r.askAll(ctx, all, r.askShared)
	for id, why := range unasked {
		r.later[id] = later{why, r.tomorrow()}
	}
	return errors.Join(r.learn(context.WithoutCancel(ctx), results), interrupted)
}

// tomorrow is when the next day's attempts begin.
func (r *recheck) tomorrow() time.Time {
	y, m, d := r.Now().In(r.Policy.AttemptZone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, r.Policy.AttemptZone)
}

func (r *recheck) learn(ctx context.Context, results map[string]Result) error {
	var refused, mended []State
	for id, result := range results {
		st := r.states[id]
		switch again(st.Settled.Verdict, result.Verdict) {
		case answerFailing:
			st.SeenAt = result.At
			refused = append(refused, st)
		case answerMended:
			mended = append(mended, Mend(st, result, r.Now()))
		case answerOtherwise: // the next run does not leave it alone
			st.SeenAt = time.Time{}
			refused = append(refused, st)
			r.later[id] = later{string(answerOtherwise), r.tomorrow()}
		case answerNone:
			r.later[id] = later{result.Reason, r.Now().Add(recheckPause)}
		}
	}
	if err := r.Ledger.SeenAgain(ctx, refused); err != nil {
		return err
	}
	_, _, err := r.mend(ctx, mended)
	return err
}

// decide lets the notice go on, or has it wait.
func (r *recheck) decide(ctx context.Context) error {
	if len(r.later) == 0 {
		return nil
	}
	keep, decided, err := r.others(ctx)
	if err != nil {
		return err
	}
	since := r.notice.WaitsSince
	concluded := r.run.Status == RunConcluded && r.run.Scope.covers(r.notice) && r.run.FinishedAt.After(since)
	if decided && !since.IsZero() && concluded {
		return r.Ledger.Narrow(ctx, r.notice.ID, NoClaim, keep)
	}
	var last later
	for _, l := range r.later {
		if l.until.After(last.until) || l.until.Equal(last.until) && l.why < last.why {
			last = l
		}
	}
	if len(r.later) < len(r.notice.Items) {
		last.why += fmt.Sprintf(" (%d of %d mailboxes)", len(r.later), len(r.notice.Items))
	}
	return r.wait(ctx, last)
}

// others are the accounts that are decided on; decided tells that the mail has something to say of one of them.
func (r *recheck) others(ctx context.Context) (keep []string, decided bool, err error) {
	for _, item := range r.notice.Items {
		if _, waits := r.later[item.AccountID]; !waits {
			keep = append(keep, item.AccountID)
		}
	}
	states, _, err := r.Auditor.states(ctx, Run{}, keep)
	for _, st := range states {
		decided = decided || st.Settled.Verdict.Failing() && st.Fresh(r.Now())
	}
	return keep, decided, err
}

func (r *recheck) wait(ctx context.Context, l later) error {
	why := fmt.Sprintf("waits for a re-check: %s; next look %s", l.why, minute(l.until))
	r.Log.Info("notice waits for a re-check", "notice", r.notice.ID, "provider", r.notice.Provider, "why", l.why, "until", l.until)
	return r.Ledger.Wait(context.WithoutCancel(ctx), r.notice.ID, why, r.Now(), l.until)
}

// recheckFact keeps what a provider said to one of several accounts that share a login, for the others' notices.
const recheckFact = "recheck/"

// askShared asks an account, or takes over what was said today to another one with its login and secret.
func (r *recheck) askShared(ctx context.Context, c candidate) (answered, error) {
	twins, err := r.Ledger.Facts(ctx, r.run.Key, twinFact+c.key.Login)
	if err != nil {
		return answered{}, err
	}
	if len(twins) == 0 {
		return r.askAgain(ctx, c, r.run.Key)
	}
	one := r.rechecked.of(c.key)
	one.Lock()
	defer one.Unlock()
	name := fmt.Sprintf("%s%s/%s/%s", recheckFact, c.key.Login, c.key.Secret, r.today())
	facts, err := r.Ledger.Facts(ctx, r.run.Key, name)
	if err != nil {
		return answered{}, err
	}
	if text := facts[name]; text != "" {
		var s said
		err := json.Unmarshal([]byte(text), &s)
		return answered{conv: s.conversation(c), at: s.At}, err
	}
	got, err := r.askAgain(ctx, c, r.run.Key)
	if err != nil || got.unasked != "" || !got.conv.CredentialSent {
		return got, err
	}
	text, err := handOn(got.conv, got.at)
	if err != nil {
		return got, err
	}
	_, err = r.Ledger.KeepFact(context.WithoutCancel(ctx), r.run.Key, name, text)
	return got, err
}

// today is the day whose attempts are used.
func (a *Auditor) today() string { return a.Now().In(a.Policy.AttemptZone).Format(time.DateOnly) }

// askAgain asks an account between two runs as a run does: its attempt is reserved before dialling, and a shared host
// gives no more refusals than the run's night allows.
func (a *Auditor) askAgain(ctx context.Context, c candidate, runKey string) (got answered, err error) {
	c.day = a.today()
	granted, err := a.Ledger.Reserve(ctx, c.day, []AttemptKey{c.key}, a.Policy.Attempts)
	if err != nil {
		return got, err
	}
	if !granted[0] {
		return answered{unasked: attemptsUsedUp}, nil
	}
	unused := func() error {
		return a.Ledger.GiveBack(context.WithoutCancel(ctx), c.day, []AttemptKey{c.key})
	}
	leave, reason, err := a.enterHost(ctx, c, runKey)
	if err != nil || reason != "" {
		return answered{unasked: reason}, errors.Join(err, unused())
	}
	got.conv = a.ask(ctx, c, time.Time{})
	got.at = a.Now()
	class := c.target.Provider.Read(got.conv, c.target.Foreign).Class
	err = leave(refusedSignIn(got.conv, class))
	if !got.conv.CredentialSent {
		err = errors.Join(err, unused())
	}
	return got, errors.Join(err, ctx.Err())
}
