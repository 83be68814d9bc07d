package night

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// canaryStore is what this file needs of the store. The contracts are in package audit.
type canaryStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error)
}

// canaryLimit is apart from the customers' attempts: before and after a night, and one start again.
var canaryLimit = audit.AttemptLimit{PerSecret: 4, Secrets: 4}

// askCanaries asks every provider's canaries and keeps the answers under the moment's name.
func (a *Auditor) askCanaries(ctx context.Context, run audit.Run, moment string) error {
	for provider, c := range a.Policy.Canaries {
		if len(c.Good)+len(c.Bad) == 0 {
			continue
		}
		name := audit.CanaryFact + moment + "/" + provider
		if kept, err := a.Ledger.Facts(ctx, run.Key, name); err != nil || kept[name] != "" {
			if err != nil {
				return err
			}
			continue
		}
		answer, err := a.askProviderCanaries(ctx, run, provider, c)
		if err != nil {
			return err
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		if _, err := a.Ledger.KeepFact(ctx, run.Key, name, string(text)); err != nil {
			return err
		}
	}
	return nil
}

func (a *Auditor) askProviderCanaries(ctx context.Context, run audit.Run, provider string, c audit.Canaries) (answer audit.CanaryAnswer, err error) {
	all := append(slices.Clone(c.Good), c.Bad...)
	accounts, sealed, err := a.Ask.WithSecrets(ctx, run, all)
	if err != nil {
		return answer, err
	}
	for _, id := range all {
		class, reason, err := a.askCanary(ctx, provider, accounts[id], sealed[id])
		if errors.Is(err, errCanaryUsedUp) {
			answer.UsedUp = true
			continue
		}
		if err != nil {
			return answer, err
		}
		switch {
		case reason != "":
			t := audit.Trouble{
				What: fmt.Sprintf("canary %s of %s guards nothing: %s", id, a.title(provider), reason),
				Fix:  "correct providers." + provider + ".canaries, or the account",
			}
			if err := audit.NoteTrouble(ctx, a.Ledger, run.Key, t); err != nil {
				return answer, err
			}
		case slices.Contains(c.Good, id) && decide.Accuses(class):
			answer.GoodRefused = id
		case slices.Contains(c.Bad, id) && class == providers.Accepted:
			answer.BadAccepted = id
		}
	}
	if answer.UsedUp {
		return answer, audit.NoteTrouble(ctx, a.Ledger, run.Key, audit.Trouble{
			What: "canaries of " + a.title(provider) + " were not all asked, so that less guards this run: earlier ones have used up the " +
				audit.Plural(canaryLimit.PerSecret, "conversation") + " of the day",
			Fix: "look at this run's " + a.title(provider) + " findings before any notice leaves; the next run re-checks them",
		})
	}
	return answer, nil
}

// errCanaryUsedUp: a canary may not be asked again today.
var errCanaryUsedUp = errors.New("the canary's conversations of the day are used up")

// askCanary asks one; a reason tells why it cannot be asked.
func (a *Auditor) askCanary(ctx context.Context, provider string, acc audit.Account, sealed []byte) (class providers.Class, reason string, err error) {
	if acc.ID == "" {
		return "", "it is not among the accounts, or its row cannot be read", nil
	}
	c, reason := a.Ask.Candidate(ctx, acc, audit.State{}, sealed)
	if reason != "" {
		return "", reason, nil
	}
	if c.Target.Provider.Name != provider {
		return "", "it is an account of " + c.Target.Provider.Title, nil
	}
	day := a.Now().In(a.Policy.AttemptZone).Format(time.DateOnly)
	c.Key.Login = "canary " + c.Key.Login
	granted, err := a.Ledger.Reserve(ctx, day, []audit.AttemptKey{c.Key}, canaryLimit)
	if err != nil {
		return providers.Unknown, "", err
	}
	if !granted[0] {
		return providers.Unknown, "", errCanaryUsedUp
	}
	conv := a.Ask.Talk(ctx, c, time.Time{})
	if err := ctx.Err(); err != nil {
		return providers.Unknown, "", err
	}
	return c.Target.Provider.Read(conv, c.Target.Foreign).Class, "", nil
}

// canaryVoids tells by provider what its canaries take away from the night.
func (a *Auditor) canaryVoids(ctx context.Context, run audit.Run) (map[string]decide.Ruling, error) {
	facts, err := a.Ledger.Facts(ctx, run.Key, audit.CanaryFact)
	if err != nil {
		return nil, err
	}
	voids := map[string]decide.Ruling{}
	for provider := range a.Policy.Canaries {
		answers, err := audit.CanaryAnswers(facts, run.Key, provider)
		if err != nil {
			return nil, err
		}
		var answer audit.CanaryAnswer
		for _, later := range answers { // each adds to the one before
			answer.GoodRefused = cmp.Or(later.GoodRefused, answer.GoodRefused)
			answer.BadAccepted = cmp.Or(later.BadAccepted, answer.BadAccepted)
		}
		switch {
		case answer.GoodRefused != "" && answer.BadAccepted != "":
			voids[provider] = decide.Ruling{Void: decide.VoidAll, Why: "a canary that is good was refused, and a bad one accepted"}
		case answer.GoodRefused != "":
			voids[provider] = decide.Ruling{Void: decide.VoidRefusals, Why: "canary " + answer.GoodRefused + " is good and was refused"}
		case answer.BadAccepted != "":
			voids[provider] = decide.Ruling{Void: decide.VoidAcceptances, Why: "canary " + answer.BadAccepted + " is bad and was accepted"}
		}
	}
	return voids, nil
}

// title is what people read where a provider is named.
func (a *Auditor) title(provider string) string {
	if a.Title == nil {
		return provider
	}
	return a.Title(provider)
}
