package ask

import (
	"context"
	"encoding/json"
	"fmt"

	"mailaudit/audit"
	"mailaudit/providers"
)

// dryAnswerStore is what this file needs of the store. The contracts are in package audit.
type dryAnswerStore interface {
	KeepDryAnswers(ctx context.Context, day string, answers []audit.DryAnswer) error
	TakeDryAnswers(ctx context.Context, day, runKey string, accountIDs []string) (map[string]audit.DryAnswer, error)
}

// A dry run's definite answers are as good as the run's own, for the rest of their day: the run takes them in the place
// of a sign-in, once, where destination, login and secret are the same. What is doubtful is asked again.

// KeepDry keeps what a dry run has heard of accounts, for the run of the same day.
func (a *Asker) KeepDry(ctx context.Context, all []Checked) error {
	var answers []audit.DryAnswer
	for _, c := range all {
		if c.Answer == "" || c.Result.Verdict == audit.Unverified || c.Result.Certainty != providers.Definite || !HandsOn(c.Conversation) {
			continue
		}
		said, err := HandOn(c.Conversation, c.Result.At)
		if err != nil {
			return fmt.Errorf("keep a dry run's answers: %w", err)
		}
		answers = append(answers, audit.DryAnswer{AccountID: c.Account.ID, Fingerprint: c.Result.Fingerprint, Name: c.Answer, Said: said})
	}
	if len(answers) == 0 {
		return nil
	}
	return a.Ledger.KeepDryAnswers(ctx, a.Today(), answers)
}

// TakeDry takes what a dry run of this day has heard of accounts that the batch asks for the first time.
func (w *Round) TakeDry(ctx context.Context, accountIDs []string) (err error) {
	if w.Batch.Try > 1 || len(accountIDs) == 0 {
		return nil
	}
	w.dry, err = w.Ledger.TakeDryAnswers(ctx, w.Today(), w.Run.Key, accountIDs)
	return err
}

// dryAnswer is what a dry run has heard of the candidate today; nil where it heard nothing of this secret and destination.
func (w *Round) dryAnswer(c Candidate) (*Said, error) {
	kept, ok := w.dry[c.Account.ID]
	if !ok || kept.Fingerprint != c.fingerprint || kept.Name != c.Answer {
		return nil, nil
	}
	s := new(Said)
	if err := json.Unmarshal([]byte(kept.Said), s); err != nil {
		return nil, &audit.RowError{Err: fmt.Errorf("a dry run's answer for account %s: %w", c.Account.ID, err)}
	}
	return s, nil
}
