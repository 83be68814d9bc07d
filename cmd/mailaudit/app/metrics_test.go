package app

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"mailaudit/audit"
)

// All series are there before the first run.
func TestMetricsStartAtZero(t *testing.T) {
	t.Parallel()
	families, err := NewMetrics().Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 20 {
		t.Errorf("%d families", len(families))
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			if want := oneIf(f.GetName() == "mailaudit_run_coverage_ratio"); got != want {
				t.Errorf("%s %v is %v", f.GetName(), m.GetLabel(), got)
			}
		}
	}
}

// The ratio is that of the report: accounts that have not answered for long are left out.
func TestCoverageLeavesTheChronicOut(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	m.provider("google", &audit.ProviderNumbers{Accounts: 10, Chronic: 5, Verdicts: map[audit.Verdict]int{audit.Unverified: 6}})
	if got := testutil.ToFloat64(m.coverage.WithLabelValues("google")); got != 0.8 {
		t.Errorf("coverage %v", got)
	}
	if got := testutil.ToFloat64(m.chronic.WithLabelValues("google")); got != 5 {
		t.Errorf("%v chronic", got)
	}
}
