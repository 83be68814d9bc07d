package app

import "testing"

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
