package ask

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/audit"
)

const (
	// sampleSize is how many secrets are opened before the first dial; more only while none opens.
	sampleSize = 25
	// samplesMost bounds the samples, which lie ever farther apart: the first accounts may be an older release's.
	samplesMost = 40
)

// ErrWrongKeyset: none of the stored secrets opens.
var ErrWrongKeyset = errors.New("the keyset opens none of the stored secrets")

// CheckKeys opens samples of secrets, spread over all accounts. It returns ErrWrongKeyset, with the first cause, if none
// opens, and ErrSource if there is none to be had.
func (a *Asker) CheckKeys(ctx context.Context) error {
	var cause error
	after, skip := "", 0
	for range samplesMost {
		page, _, err := a.Aside.ReadPage(ctx, audit.Run{}, after, sampleSize+skip)
		if err != nil {
			return err
		}
		ids := audit.IDs(page, func(acc audit.Account) string { return acc.ID })
		if len(ids) == 0 {
			break
		}
		sealed, _, err := a.Aside.ReadSecrets(ctx, audit.Run{}, ids[max(0, len(ids)-sampleSize):])
		if err != nil {
			return err
		}
		for id, secret := range sealed {
			_, err := a.Open(id, secret)
			if err == nil {
				return nil
			}
			if cause == nil {
				cause = err
			}
		}
		after, skip = ids[len(ids)-1], min(2*skip+sampleSize, skipMost)
	}
	if cause != nil {
		return fmt.Errorf("%w: %w", ErrWrongKeyset, cause)
	}
	return nil
}

// skipMost keeps a page of a sample below the source's own.
const skipMost = 2000
