package outbox

import (
	"context"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// ledgerOfHolds has runs, no hold yet, and no mail.
type ledgerOfHolds struct{ ledgerOfRuns }

func (l ledgerOfHolds) ListRuns(_ context.Context, _ int, openOnly bool) (found []audit.Run, _ error) {
	for _, r := range l.runs {
		if !openOnly || r.Open() {
			found = append(found, r)
		}
	}
	return found, nil
}

func (ledgerOfHolds) OpenHolds(context.Context) ([]audit.Hold, error) { return nil, nil }

func (ledgerOfHolds) Mailing(context.Context, []string, time.Time) (map[string]audit.Mailing, error) {
	return nil, nil
}

// Between settling an account and concluding the run a guard may still hold its provider: no screen and no event says
// meanwhile that it fails, unless its customer has read so already.
func TestNothingIsShownBeforeTheGuardsHaveRuled(t *testing.T) {
	failing := audit.State{AccountID: "a", Provider: "google", SettledSeq: 7,
		Settled: audit.Settled{Verdict: audit.Revoked, Certainty: providers.Definite}}
	told := failing
	told.Told = audit.Told{Step: 1, NoticeID: 3}
	earlier := failing
	earlier.SettledSeq = 6
	read := func(status audit.RunStatus, phase audit.Phase) []audit.Reading {
		o := &Outbox{Policy: audit.Policy{Mode: audit.ModeLive}, Now: time.Now,
			Ledger: ledgerOfHolds{ledgerOfRuns{runs: []audit.Run{{Seq: 7, Status: status, Phase: phase}, {Seq: 6, Status: audit.RunConcluded, Phase: audit.PhaseDone}}}}}
		all, err := o.Readings(t.Context(), []audit.State{failing, told, earlier})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := read(audit.RunRunning, audit.PhaseConcluding); got[0].Verdict != audit.Unverified || got[1].Verdict != audit.Revoked || got[2].Verdict != audit.Revoked {
		t.Errorf("while the run concludes: %+v", got)
	}
	if got := read(audit.RunConcluded, audit.PhaseDone); got[0].Verdict != audit.Revoked {
		t.Errorf("afterwards: %+v", got[0])
	}
}
