package history

import (
	"context"
	"time"

	"mailaudit/audit"
)

// expireRows is how many rows of a kind one step takes away.
const expireRows = 5_000

// DiscardOld takes away what is older than keep, step by step until patience is used up; the next night goes on
// from there. gone is called for every run that went.
func DiscardOld(ctx context.Context, store audit.Forgetting, now time.Time, keep, patience time.Duration, gone func(key string)) error {
	end := time.Now().Add(patience)
	for {
		e, err := store.DiscardOld(ctx, now.Add(-keep), expireRows)
		if err != nil {
			return err
		}
		if e.Run != "" {
			gone(e.Run)
		}
		if !e.More || time.Now().After(end) {
			return nil
		}
	}
}
