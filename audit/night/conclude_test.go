package night

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"mailaudit/audit"
)

// slowBatches are second tries that nobody came to; each takes its time to close.
type slowBatches struct {
	Ledger
	open  []audit.Batch
	takes time.Duration
}

func (s *slowBatches) OpenBatches(context.Context, string) ([]audit.Batch, error) { return s.open, nil }

func (s *slowBatches) LoadBatch(_ context.Context, _ string, n int) (audit.Batch, bool, error) {
	return audit.Batch{N: n, Try: 2}, false, nil
}

func (s *slowBatches) CloseBatch(_ context.Context, _ string, n int, _ *audit.Batch) error {
	time.Sleep(s.takes)
	s.open = s.open[1:]
	return nil
}

// Many batches may be open when a window ends early. Closing them hands back in time, as every step does, so
// that nobody takes the process for dead, and goes on where it was.
func TestClosingKeepsToItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &slowBatches{takes: turn / 4}
		for n := range 12 {
			ledger.open = append(ledger.open, audit.Batch{N: n})
		}
		a := &Auditor{Ledger: ledger}
		for turns := 1; ; turns++ {
			began := time.Now()
			more, err := a.closeOpen(t.Context(), audit.Run{Phase: audit.PhaseVerifying}, began.Add(turn))
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > turn+ledger.takes {
				t.Errorf("turn %d took %s", turns, took)
			}
			if !more {
				if turns < 3 || len(ledger.open) > 0 {
					t.Errorf("%d turns, %d batches left", turns, len(ledger.open))
				}
				return
			}
		}
	})
}
