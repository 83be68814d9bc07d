package decide

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

var (
	nightOne = time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)
	nightTwo = nightOne.AddDate(0, 0, 1)
)

func revokedSince(at time.Time) audit.State {
	return audit.State{
		AccountID: "a", Provider: "google",
		Settled:     audit.Settled{Verdict: audit.Revoked, Certainty: providers.Ambiguous, Since: at, Nights: 3, NightAt: at},
		Fingerprint: "old", AcceptedFingerprint: "old", SettledSeq: 1,
	}
}

func verdictOf(v audit.Verdict, at time.Time) audit.Result {
	return audit.Result{AccountID: "a", Provider: "google", Fingerprint: "new", At: at, Judgement: audit.Judgement{Verdict: v, Certainty: providers.Ambiguous}}
}

func TestSettleAfterAnAcceptanceBetweenRuns(t *testing.T) {
	mendedAt := nightOne.Add(9 * time.Hour)
	remedied := Remedy(revokedSince(nightOne), verdictOf(audit.Compliant, mendedAt), mendedAt)
	run := audit.Run{Key: "two", Seq: 2, StartedAt: nightTwo}
	for _, tt := range []struct {
		name     string
		result   audit.Result
		verdict  audit.Verdict // of the state afterwards
		previous audit.Verdict // of the change; "" for none
		nights   int
		remedied audit.Verdict
	}{
		{"accepted", verdictOf(audit.Compliant, nightTwo), audit.Compliant, audit.Revoked, 1, ""},
		{"refused again", verdictOf(audit.Revoked, nightTwo), audit.Revoked, audit.Compliant, 1, ""},
		{"no answer", verdictOf(audit.Unverified, nightTwo), audit.Compliant, "", 0, audit.Revoked},
		{"refused before it was accepted", verdictOf(audit.Revoked, mendedAt.Add(-time.Minute)), audit.Compliant, "", 0, audit.Revoked},
	} {
		st := remedied
		st.Tonight = &tt.result
		if st.Quiet(tt.result) {
			t.Errorf("%s: quiet, and so nothing would be settled", tt.name)
		}
		got := Settle(run, st)
		if got.State.Settled.Verdict != tt.verdict || got.State.Nights != tt.nights || got.State.Remedied != tt.remedied {
			t.Errorf("%s: %+v", tt.name, got.State)
		}
		switch {
		case tt.previous == "" && got.Change != nil:
			t.Errorf("%s: history has %+v", tt.name, got.Change)
		case tt.previous == "" && got.Note.Verdict != audit.Unverified:
			t.Errorf("%s: the night says %+v", tt.name, got.Note)
		case tt.previous != "" && (got.Change == nil || got.Change.Previous != tt.previous || !got.Change.Since.Equal(nightTwo)):
			t.Errorf("%s: history has %+v, want previous %s", tt.name, got.Change, tt.previous)
		}
	}
}

func TestNothingIsSaidTwiceOnTheWay(t *testing.T) {
	c := audit.Cadence{ConfirmNights: 1}
	fine := audit.Settled{Verdict: audit.Compliant}
	told := audit.Told{Step: 1, Verdict: audit.Revoked, FirstAt: nightOne}
	if d := NextMail(c, nightTwo, fine, told, true, audit.Mailing{Pending: true}); d.Kind != audit.KindRecovered {
		t.Errorf("a reminder on its way, which will not leave: %+v", d)
	}
	if d := NextMail(c, nightTwo, fine, told, true, audit.Mailing{Pending: true, Closing: true}); d.Kind != "" || d.Why == "" {
		t.Errorf("the good news are on their way: %+v", d)
	}
}
