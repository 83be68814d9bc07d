package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailaudit/providers"
)

// Canaries are account ids that the operator owns and whose answers are known beforehand.
type Canaries struct {
	Good []string // must be accepted
	Bad  []string // must be refused
}

// canaryLimit is apart from the customers' attempts: before and after a night, and one start again.
var canaryLimit = AttemptLimit{PerSecret: 4, Secrets: 4}

const canaryFact = "canaries/"

// canaryMoments are when they are asked in a run.
var canaryMoments = []string{"before", "after"}

// canaryAnswer is what a provider said to its canaries at one moment.
type canaryAnswer struct {
	GoodRefused string `json:"good_refused,omitempty"` // the id of a good one that was refused
	BadAccepted string `json:"bad_accepted,omitempty"`
	UsedUp      bool   `json:"used_up,omitempty"` // one was not asked: the day's conversations were used up
}

// isCanary tells whether an account is one of the operator's own and so no customer's.
func (a *Auditor) isCanary(id string) bool {
	for _, c := range a.Policy.Canaries {
		if slices.Contains(c.Good, id) || slices.Contains(c.Bad, id) {
			return true
		}
	}
	return false
}

// askCanaries asks every provider's canaries and keeps the answers under the moment's name.
func (a *Auditor) askCanaries(ctx context.Context, run Run, moment string) error {
	for provider, c := range a.Policy.Canaries {
		if len(c.Good)+len(c.Bad) == 0 {
			continue
		}
		name := canaryFact + moment + "/" + provider
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

func (a *Auditor) askProviderCanaries(ctx context.Context, run Run, provider string, c Canaries) (answer canaryAnswer, err error) {
	all := append(slices.Clone(c.Good), c.Bad...)
	accounts, sealed, err := a.withSecrets(ctx, run, all)
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
			t := Trouble{
				What: fmt.Sprintf("canary %s of %s guards nothing: %s", id, a.title(provider), reason),
				Mend: "correct providers." + provider + ".canaries, or the account",
			}
			if err := a.NoteTrouble(ctx, run.Key, t); err != nil {
				return answer, err
			}
		case slices.Contains(c.Good, id) && accuses(class):
			answer.GoodRefused = id
		case slices.Contains(c.Bad, id) && class == providers.Accepted:
			answer.BadAccepted = id
		}
	}
	if answer.UsedUp {
		return answer, a.NoteTrouble(ctx, run.Key, Trouble{
			What: "canaries of " + a.title(provider) + " were not all asked, so that less guards this run: earlier ones have used up the " +
				plural(canaryLimit.PerSecret, "conversation") + " of the day",
			Mend: "look at this run's " + a.title(provider) + " findings before any notice leaves; tomorrow they are asked again",
		})
	}
	return answer, nil
}

// errCanaryUsedUp: a canary may not be asked again today.
var errCanaryUsedUp = errors.New("the canary's conversations of the day are used up")

// accuses tells whether a class says something of the account rather than of the provider's day.
func accuses(c providers.Class) bool {
	switch c {
	case providers.Accepted, providers.Throttled, providers.Temporary, providers.Unknown:
		return false
	}
	return true
}

// askCanary asks one; a reason tells why it cannot be asked.
func (a *Auditor) askCanary(ctx context.Context, provider string, acc Account, sealed []byte) (class providers.Class, reason string, err error) {
	if acc.ID == "" {
		return "", "it is not among the accounts, or its row cannot be read", nil
	}
	c, reason := a.candidate(ctx, acc, sealed)
	if reason != "" {
		return "", reason, nil
	}
	if c.target.Provider.Name != provider {
		return "", "it is an account of " + c.target.Provider.Title, nil
	}
	day := a.Now().In(a.Policy.AttemptZone).Format(time.DateOnly)
	c.key.Login = "canary " + c.key.Login
	granted, err := a.Ledger.Reserve(ctx, day, []AttemptKey{c.key}, canaryLimit)
	if err != nil {
		return providers.Unknown, "", err
	}
	if !granted[0] {
		return providers.Unknown, "", errCanaryUsedUp
	}
	conv := a.ask(ctx, c, time.Time{})
	if err := ctx.Err(); err != nil {
		return providers.Unknown, "", err
	}
	return c.target.Provider.Read(conv, c.target.Foreign).Class, "", nil
}

// CanariesAsked tells whether a provider's canaries were asked in a run. Where one of them contradicts, the
// provider's night is void; where a night is held, none does.
func CanariesAsked(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key, provider string) (bool, error) {
	asked, err := facts.Facts(ctx, key, canaryFact)
	if err != nil {
		return false, err
	}
	answers, err := canaryAnswers(asked, key, provider)
	return slices.ContainsFunc(answers, func(c canaryAnswer) bool { return !c.UsedUp }), err
}

// canaryAnswers gives what a provider said to its canaries in a run, in the order of the moments. facts are the
// run's under canaryFact.
func canaryAnswers(facts map[string]string, key, provider string) (all []canaryAnswer, err error) {
	for _, moment := range canaryMoments {
		text := facts[canaryFact+moment+"/"+provider]
		if text == "" {
			continue
		}
		var answer canaryAnswer
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return nil, fmt.Errorf("canaries of run %s: %w", key, err)
		}
		all = append(all, answer)
	}
	return all, nil
}

// canaryVoids tells by provider what its canaries take away from the night.
func (a *Auditor) canaryVoids(ctx context.Context, run Run) (map[string]Ruling, error) {
	facts, err := a.Ledger.Facts(ctx, run.Key, canaryFact)
	if err != nil {
		return nil, err
	}
	voids := map[string]Ruling{}
	for provider := range a.Policy.Canaries {
		answers, err := canaryAnswers(facts, run.Key, provider)
		if err != nil {
			return nil, err
		}
		var answer canaryAnswer
		for _, later := range answers { // each adds to the one before
			answer.GoodRefused = cmp.Or(later.GoodRefused, answer.GoodRefused)
			answer.BadAccepted = cmp.Or(later.BadAccepted, answer.BadAccepted)
		}
		switch {
		case answer.GoodRefused != "" && answer.BadAccepted != "":
			voids[provider] = Ruling{Void: VoidAll, Why: "a canary that is good was refused, and a bad one accepted"}
		case answer.GoodRefused != "":
			voids[provider] = Ruling{Void: VoidRefusals, Why: "canary " + answer.GoodRefused + " is good and was refused"}
		case answer.BadAccepted != "":
			voids[provider] = Ruling{Void: VoidAcceptances, Why: "canary " + answer.BadAccepted + " is bad and was accepted"}
		}
	}
	return voids, nil
}
