package decide

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

func TestATimeThatHasNotComeIsNoProofOfTraffic(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	refused := audit.Judgement{Verdict: audit.Invalid}
	st := audit.State{Settled: audit.Settled{NightAt: now.Add(-48 * time.Hour)}}
	for name, tt := range map[string]struct {
		sent time.Time
		want bool
	}{
		"an hour ago":                 {now.Add(-time.Hour), true},
		"a clock a little ahead":      {now.Add(5 * time.Minute), true},
		"a clock further ahead":       {now.Add(5*time.Minute + time.Second), false},
		"local time taken for UTC":    {now.Add(6 * time.Hour), false},
		"a date that stands for none": {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), false},
		"never":                       {time.Time{}, false},
	} {
		acc := audit.Account{LastSentOKAt: tt.sent}
		if got := ContradictedByTraffic(acc, refused, providers.CredentialRejected, now); got != tt.want {
			t.Errorf("%s: contradicted %v, want %v", name, got, tt.want)
		}
		if got := SentSinceRefused(acc, st, now); got != tt.want {
			t.Errorf("%s: sent since %v, want %v", name, got, tt.want)
		}
	}
}
