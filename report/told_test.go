package report_test

import (
	"testing"

	"mailaudit/report/reporttest"
)

// The JSON report says of each open finding when its customer was notified, and null where nobody was. It asks in
// portions, and only of what may have been told.
func TestJSONSaysWhenCustomersWereNotified(t *testing.T) {
	n := reporttest.Huge(1_201)
	n.Told = reporttest.Typical().Told
	r := decode(t, n, build(t, n))
	notified := 0
	for _, f := range r.Findings {
		if (f.LastNotified == nil) != (f.Number == nil) || (f.LastNotified == nil) != (f.NextReminder == nil) {
			t.Errorf("%s: notified %v, number %v, reminder %v", f.AccountID, f.LastNotified, f.Number, f.NextReminder)
		}
		if f.LastNotified != nil {
			notified++
		}
	}
	if failing := r.Changes.NewlyFailing + r.Changes.StillFailing; notified < failing/2 || notified > len(r.Findings)/2+3 {
		t.Errorf("%d of %d findings were notified, %d are failing", notified, len(r.Findings), failing)
	}
}
