package main

import (
	"errors"

	"mailaudit/audit"
	"mailaudit/audit/seal"
)

// isDown tells that an opener did not do its part, and not that it knows no key for the secrets.
func isDown(err error) bool {
	return errors.Is(err, seal.ErrOpener) && !errors.Is(err, seal.ErrRefused)
}

// grants is where renewed refresh tokens are stored; nil where we may not write, or cannot seal.
func (a *app) grants() audit.Grants {
	if a.config.ProductSeals() || a.config.Elsewhere() {
		return nil
	}
	return a.store
}
