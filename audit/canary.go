package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

const CanaryFact = "canaries/"

// canaryMoments are when they are asked in a run.
var canaryMoments = []string{"before", "after"}

// CanaryAnswer is what a provider said to its canaries at one moment.
type CanaryAnswer struct {
	GoodRefused string `json:"good_refused,omitempty"` // the id of a good one that was refused
	BadAccepted string `json:"bad_accepted,omitempty"`
	UsedUp      bool   `json:"used_up,omitempty"` // one was not asked: the day's conversations were used up
}

// CanariesAsked reports whether a provider's canaries were asked in a run. Where one of them contradicts, the
// provider's night is void; where a night is held, none does.
func CanariesAsked(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key, provider string) (bool, error) {
	asked, err := facts.Facts(ctx, key, CanaryFact)
	if err != nil {
		return false, err
	}
	answers, err := CanaryAnswers(asked, key, provider)
	return slices.ContainsFunc(answers, func(c CanaryAnswer) bool { return !c.UsedUp }), err
}

// CanaryAnswers gives what a provider said to its canaries in a run, in the order of the moments. facts are the
// run's under canaryFact.
func CanaryAnswers(facts map[string]string, key, provider string) (all []CanaryAnswer, err error) {
	for _, moment := range canaryMoments {
		text := facts[CanaryFact+moment+"/"+provider]
		if text == "" {
			continue
		}
		var answer CanaryAnswer
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return nil, fmt.Errorf("canaries of run %s: %w", key, err)
		}
		all = append(all, answer)
	}
	return all, nil
}
