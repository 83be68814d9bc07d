package ask

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/audit"
)

// sampleSize is how many secrets are opened before the first dial.
const sampleSize = 25

// ErrWrongKeyset: none of the stored secrets opens.
var ErrWrongKeyset = errors.New("the keyset opens none of the stored secrets")

// CheckKeys opens a sample of secrets. It returns ErrWrongKeyset, with the first cause, if none opens, and ErrSource if
// there is none to be had.
func (a *Asker) CheckKeys(ctx context.Context) error {
	page, _, err := a.Aside.ReadPage(ctx, audit.Run{}, "", sampleSize)
	if err != nil {
		return err
	}
	sealed, _, err := a.Aside.ReadSecrets(ctx, audit.Run{}, audit.IDs(page, func(acc audit.Account) string { return acc.ID }))
	if err != nil {
		return err
	}
	var cause error
	for id, secret := range sealed {
		_, err := a.Open(id, secret)
		if err == nil {
			return nil
		}
		cause = err
	}
	if cause != nil {
		return fmt.Errorf("%w: %w", ErrWrongKeyset, cause)
	}
	return nil
}
