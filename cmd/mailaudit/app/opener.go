package app

import (
	"errors"

	"mailaudit/audit"
	"mailaudit/audit/seal"
)

// IsDown tells that an opener did not do its part, and not that it knows no key for the secrets.
func IsDown(err error) bool {
	return errors.Is(err, seal.ErrOpener) && !errors.Is(err, seal.ErrRefused)
}

// grants is where renewed refresh tokens are stored; nil where we may not write, or cannot seal.
func (a *App) grants() audit.Grants {
	if a.Config.ProductSeals() || a.Config.Elsewhere() {
		return nil
	}
	return a.Store
}
