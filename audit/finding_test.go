package audit

import "testing"

// A note that cannot be read counts its account, and fails no report.
func TestReadNote(t *testing.T) {
	for _, stored := range []string{"", "{", `{"AccountID": 7}`, `[]`} {
		f := ReadNote("a", stored)
		if f.AccountID != "a" || f.Verdict != Unverified || f.Reason == "" {
			t.Errorf("%q: %+v", stored, f)
		}
	}
	if f := ReadNote("a", `{"AccountID": "a", "Verdict": "revoked"}`); f.Verdict != Revoked {
		t.Errorf("a note: %+v", f)
	}
}
