package outbox

import (
	"context"
	"testing"
	"time"

	"mailaudit/audit"
)

// ledgerOfRuns has runs and nothing else, the latest first.
type ledgerOfRuns struct {
	Ledger
	runs []audit.Run
}

func (l ledgerOfRuns) ListRuns(_ context.Context, limit int, _ bool) ([]audit.Run, error) {
	return l.runs[:min(limit, len(l.runs))], nil
}

// A run for each tenant: the night's cap counts from the first of them, however many there are.
func TestAllowanceCountsFromTheFirstOfManyRuns(t *testing.T) {
	began := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	var runs []audit.Run
	for i := 499; i >= 0; i-- {
		runs = append(runs, audit.Run{StartedAt: began.Add(time.Duration(i) * time.Minute)})
	}
	runs = append(runs, audit.Run{StartedAt: began.AddDate(0, 0, -1)})
	a := &Outbox{Ledger: ledgerOfRuns{runs: runs}, Now: func() time.Time { return began.Add(9 * time.Hour) }}
	got, err := a.Allowance(t.Context(), audit.Caps{Night: 5, Ahead: 7, Recipient: 3, Tenant: 2, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	want := audit.Allowance{Night: 5, Ahead: 7, Recipient: 3, Domain: 5, Tenant: 2, NightFrom: began, DayFrom: began.Add(-time.Hour)}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
