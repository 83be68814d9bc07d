package sqlite

import (
	"errors"
	"fmt"

	"github.com/gofrs/flock"
)

// ErrLocked: another process works on the database.
var ErrLocked = errors.New("another mailaudit works on this database")

// Lock takes the file's lock for a working command; the system drops it when the process dies. It returns
// ErrLocked if another process has it.
func Lock(path string) (unlock func() error, err error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	switch taken, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock database: %w", err)
	case !taken:
		return nil, ErrLocked
	}
	return lock.Unlock, nil
}
