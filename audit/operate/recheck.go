package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
)

// recheckStore is what this file needs of the store. The contracts are in package audit.
type recheckStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	SeenAgain(ctx context.Context, states []audit.State) error
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	Wait(ctx context.Context, id int64, why string, now, until time.Time) error
	Narrow(ctx context.Context, id int64, claim audit.Claim, keep []string) error
}

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
	*Desk
	notice audit.Notice
	run    audit.Run // see lastRunOf
	states map[string]audit.State
	later  map[string]later // by account that is not decided on
}

// Recheck asks accounts of a queued notice again whose refusal is too old for a mail to leave on, within the day's
// attempts. An account that is refused alike has its evidence renewed; one that is accepted has its finding ended. Where
// an account cannot be decided on, the notice waits whole, and its detail tells for what; but once a run has concluded
// meanwhile, such accounts leave the notice to the others, and a later run writes theirs. Nothing is asked while a run
// is at work on the accounts or a guard holds their provider.
func (d *Desk) Recheck(ctx context.Context, n audit.Notice, stale []string) error {
	r := recheck{Desk: d, notice: n, later: map[string]later{}}
	var err error
	if r.run, err = d.lastRunOf(ctx, n); err != nil {
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
func (d *Desk) lastRunOf(ctx context.Context, n audit.Notice) (audit.Run, error) {
	runs, err := d.Ledger.ListRuns(ctx, nightRuns, false)
	if err != nil {
		return audit.Run{}, err
	}
	if len(runs) == 0 {
		return audit.Run{}, audit.ErrNoRun // then no mail is allowed either
	}
	i := slices.IndexFunc(runs, func(r audit.Run) bool { return r.Status == audit.RunConcluded && r.Scope.Covers(n) })
	return runs[max(i, 0)], nil
}

// notNow tells what speaks against asking any of the accounts at this moment.
func (r *recheck) notNow(ctx context.Context) (later, error) {
	now := r.Now()
	open, err := r.Ledger.ListRuns(ctx, nightRuns, true)
	if err != nil {
		return later{}, err
	}
	for _, run := range open {
		if run.Scope.Covers(r.notice) && now.Before(run.Deadline) {
			return later{"run " + run.Key + " is at work on it", run.Deadline}, nil
		}
	}
	if held, err := r.Outbox.IsHeld(ctx, r.notice.Provider); held || err != nil {
		return later{"a guard holds notices of " + r.title(r.notice.Provider) + " until a person decides", now.Add(recheckPause)}, err
	}
	return later{}, nil
}

// ask asks the accounts and stores what was learned, also where it is cut off.
func (r *recheck) ask(ctx context.Context, stale []string) (err error) {
	if r.states, _, err = r.Desk.Aside.ReadStates(ctx, audit.Run{}, stale); err != nil {
		return err
	}
	accounts, sealed, err := r.Ask.WithSecrets(ctx, audit.Run{}, stale)
	if err != nil {
		return err
	}
	slices.Sort(stale)
	var all []ask.Subject
	doubts := map[ask.Service]string{}
	for _, id := range stale {
		var c ask.Candidate
		reason := "what is stored of it cannot be read"
		if acc, there := accounts[id]; there && r.states[id].AccountID != "" {
			c, reason = r.Ask.Candidate(ctx, acc, r.states[id], sealed[id])
		}
		if d := ask.ServiceOf(c); reason == "" {
			if _, known := doubts[d]; !known {
				if doubts[d], err = r.Ask.Doubted(ctx, r.run, c); err != nil {
					return err
				}
			}
			reason = doubts[d]
		}
		if reason != "" {
			r.later[id] = later{reason, r.Now().Add(recheckPause)}
			continue
		}
		all = append(all, ask.Subject{Candidate: c, Before: r.states[id]})
	}
	results, unasked, interrupted := r.Ask.AskAll(ctx, all, r.askShared)
	for id, why := range unasked {
		r.later[id] = later{why, r.Ask.Tomorrow()}
	}
	return errors.Join(r.learn(context.WithoutCancel(ctx), results), interrupted)
}

func (r *recheck) learn(ctx context.Context, results map[string]audit.Result) error {
	var refused, remedied []audit.State
	for id, result := range results {
		st := r.states[id]
		switch again(st.Settled.Verdict, result.Verdict) {
		case answerFailing:
			st.SeenAt = result.At
			refused = append(refused, st)
		case answerRecovered:
			remedied = append(remedied, decide.Remedy(st, result, r.Now()))
		case answerOtherwise: // the next run does not leave it alone
			st.SeenAt = time.Time{}
			refused = append(refused, st)
			r.later[id] = later{string(answerOtherwise), r.Ask.Tomorrow()}
		case answerNone:
			r.later[id] = later{result.Reason, r.Now().Add(recheckPause)}
		}
	}
	if err := r.Ledger.SeenAgain(ctx, refused); err != nil {
		return err
	}
	_, _, err := r.remedy(ctx, remedied)
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
	concluded := r.run.Status == audit.RunConcluded && r.run.Scope.Covers(r.notice) && r.run.FinishedAt.After(since)
	if decided && !since.IsZero() && concluded {
		return r.Ledger.Narrow(ctx, r.notice.ID, audit.NoClaim, keep)
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
	states, _, err := r.Desk.Aside.ReadStates(ctx, audit.Run{}, keep)
	for _, st := range states {
		decided = decided || st.Settled.Verdict.Failing() && st.Fresh(r.Now())
	}
	return keep, decided, err
}

func (r *recheck) wait(ctx context.Context, l later) error {
	why := fmt.Sprintf("waits for a re-check: %s; next look %s", l.why, audit.FormatMinute(l.until))
	r.Log.Info("notice waits for a re-check", "notice", r.notice.ID, "provider", r.notice.Provider, "why", l.why, "until", l.until)
	return r.Ledger.Wait(context.WithoutCancel(ctx), r.notice.ID, why, r.Now(), l.until)
}

// recheckFact keeps what a provider said to one of several accounts that share a login, for the others' notices.
const recheckFact = "recheck/"

// askShared asks an account, or takes over what was said today to another one with its login and secret.
func (r *recheck) askShared(ctx context.Context, c ask.Candidate) (ask.Answered, error) {
	duplicates, err := r.Ledger.Facts(ctx, r.run.Key, ask.DuplicateFact+c.Key.Login)
	if err != nil {
		return ask.Answered{}, err
	}
	if len(duplicates) == 0 {
		return r.Ask.AskAgain(ctx, c, r.run.Key)
	}
	one := r.rechecked.Of(c.Answer)
	one.Lock()
	defer one.Unlock()
	name := fmt.Sprintf("%s%s/%s", recheckFact, c.Answer, r.Ask.Today())
	facts, err := r.Ledger.Facts(ctx, r.run.Key, name)
	if err != nil {
		return ask.Answered{}, err
	}
	if text := facts[name]; text != "" {
		if admitted, err := r.Ask.Admit(ctx, c); err != nil || !admitted {
			return ask.Answered{Unasked: ask.AttemptsUsedUp}, err
		}
		var s ask.Said
		err := json.Unmarshal([]byte(text), &s)
		return ask.Answered{Conv: s.Conversation(c), At: s.At}, err
	}
	got, err := r.Ask.AskAgain(ctx, c, r.run.Key)
	if err != nil || got.Unasked != "" || !got.Conv.CredentialSent || !ask.HandsOn(got.Conv) {
		return got, err
	}
	text, err := ask.HandOn(got.Conv, got.At)
	if err != nil {
		return got, err
	}
	_, err = r.Ledger.KeepFact(context.WithoutCancel(ctx), r.run.Key, name, text)
	return got, err
}

// title is what people read where a provider is named.
func (a *Desk) title(provider string) string {
	if a.Title == nil {
		return provider
	}
	return a.Title(provider)
}

// nightRuns is how many runs a night has at most, unless it is found to have more.
const nightRuns = 30
