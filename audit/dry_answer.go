package audit

import "context"

// DryAnswer is what a provider said to a dry run of an account.
type DryAnswer struct {
	AccountID   string
	Fingerprint string // of the secret that was sent
	Name        string // of endpoint, way of signing in, login and secret as sent: where one of them differs, the answer is another's
	Said        string // the answer, as who stored it writes it
}

// DryAnswers keeps what dry runs have heard, until their day (as attempts count days) ends.
type DryAnswers interface {
	// KeepDryAnswers keeps answers of a day in the place of the accounts' earlier ones; those of other days are dropped.
	KeepDryAnswers(ctx context.Context, day string, answers []DryAnswer) error
	// TakeDryAnswers hands out the day's answers of accounts to a run, by account id. Another run does not have them
	// after that; the same run does, so that what was taken before a crash is not lost.
	TakeDryAnswers(ctx context.Context, day, runKey string, accountIDs []string) (map[string]DryAnswer, error)
}
