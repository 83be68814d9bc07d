package notice

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"mailaudit/audit"
)

// errCompose: a letter cannot be written, and no later try can write it.
var errCompose = errors.New("cannot compose")

// compose is Compose, of which a strange letter that it breaks off at makes an error. A panic's value may hold
// anything, so its type alone is told.
func (p *delivery) compose(l Letter) (m Message, err error) {
	defer func() {
		if value := recover(); value != nil {
			p.Log.Error("a mail broke off", "notice", Reference(p.notice.ID), "panic", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
			err = fmt.Errorf("broke off: panic (%T)", value)
		}
	}()
	return Compose(l, p.Settings)
}

// goWithout ends a notice that cannot be prepared for what is in it, so that no later try meets the same: it is set
// aside, and the next run writes a new one. Any other error leaves it queued.
func (p *delivery) goWithout(ctx context.Context, cause error) error {
	if ctx.Err() != nil || !p.ofItself(cause) {
		return errors.Join(cause, p.leave(ctx))
	}
	p.Log.Error("mail set aside", "notice", Reference(p.notice.ID), "run", p.notice.RunKey, "err", cause)
	return p.mark(ctx, audit.NoticeSuppressed, audit.SetAside+"it could not be prepared", time.Time{})
}

// ofItself reports whether an error is about the notice, or a row that it needs, and not about a database.
func (p *delivery) ofItself(err error) bool {
	if errors.Is(err, errCompose) {
		return true
	}
	for _, of := range []audit.Blaming{p.Accounts, p.Outbox} {
		if b, _ := of.Blame(err); b == audit.BlameRow {
			return true
		}
	}
	return false
}
