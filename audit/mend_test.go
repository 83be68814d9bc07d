package audit

import (
	"testing"
	"time"

	"mailaudit/providers"
)

var (
	nightOne = time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)
	nightTwo = nightOne.AddDate(0, 0, 1)
)

func revokedSince(at time.Time) State {
	return State{
		AccountID: "a", Provider: "google",
		Settled:     Settled{Verdict: Revoked, Certainty: providers.Ambiguous, Since: at, Nights: 3, NightAt: at},
		Fingerprint: "old", AcceptedFingerprint: "old", SettledSeq: 1,
	}
}

func verdictOf(v Verdict, at time.Time) Result {
	return Result{AccountID: "a", Provider: "google", Fingerprint: "new", At: at, Judgement: Judgement{Verdict: v, Certainty: providers.Ambiguous}}
}

func TestSettleAfterAnAcceptanceBetweenRuns(t *testing.T) {
	mendedAt := nightOne.Add(9 * time.Hour)
	mended := Mend(revokedSince(nightOne), verdictOf(Compliant, mendedAt), mendedAt)
	run := Run{Key: "two", Seq: 2, StartedAt: nightTwo}
	for _, tt := range []struct {
		name     string
		result   Result
		verdict  Verdict // of the state afterwards
		previous Verdict // of the change; "" for none
		nights   int
		mended   Verdict
	}{
		{"accepted", verdictOf(Compliant, nightTwo), Compliant, Revoked, 1, ""},
		{"refused again", verdictOf(Revoked, nightTwo), Revoked, Compliant, 1, ""},
		{"no answer", verdictOf(Unverified, nightTwo), Compliant, "", 0, Revoked},
		{"refused before it was accepted", verdictOf(Revoked, mendedAt.Add(-time.Minute)), Compliant, "", 0, Revoked},
	} {
		st := mended
		st.Tonight = &tt.result
		if st.Quiet(tt.result) {
			t.Errorf("%s: quiet, and so nothing would be settled", tt.name)
		}
		got := Settle(run, st)
		if got.State.Settled.Verdict != tt.verdict || got.State.Nights != tt.nights || got.State.Mended != tt.mended {
			t.Errorf("%s: %+v", tt.name, got.State)
		}
		switch {
		case tt.previous == "" && got.Change != nil:
			t.Errorf("%s: history has %+v", tt.name, got.Change)
		case tt.previous == "" && got.Note.Verdict != Unverified:
			t.Errorf("%s: the night says %+v", tt.name, got.Note)
		case tt.previous != "" && (got.Change == nil || got.Change.Previous != tt.previous || !got.Change.Since.Equal(nightTwo)):
			t.Errorf("%s: history has %+v, want previous %s", tt.name, got.Change, tt.previous)
		}
	}
}

func TestNothingIsSaidTwiceOnTheWay(t *testing.T) {
	c := Cadence{ConfirmNights: 1}
	fine := Settled{Verdict: Compliant}
	told := Told{Step: 1, Verdict: Revoked, FirstAt: nightOne}
	if d := c.decide(nightTwo, fine, told, true, Mailing{Pending: true}); d.Kind != KindRecovered {
		t.Errorf("a reminder on its way, which will not leave: %+v", d)
	}
	if d := c.decide(nightTwo, fine, told, true, Mailing{Pending: true, Closing: true}); d.Kind != "" || d.Why == "" {
		t.Errorf("the good news are on their way: %+v", d)
	}
}

func TestWhatKeepsANoticeBack(t *testing.T) {
	k := keeping{
		only: Only{Providers: []string{"google"}}, bounced: map[string]string{"back@clinic.example": "550"}, snoozed: map[string]bool{"asleep": true},
	}
	for _, tt := range []struct {
		n         Notice
		why       string
		telephone bool
	}{
		{Notice{ContactEmail: "a@clinic.example", Provider: "google"}, "", false},
		{Notice{Provider: "google"}, "the tenant has no contact: telephone", true},
		{Notice{ContactEmail: "Back@Clinic.example", Provider: "google"}, "mail to the contact bounces: telephone", true},
		{Notice{ContactEmail: "a@clinic.example", Provider: "yahoo"}, "outside notices.only", false},
		{Notice{ContactEmail: "a@clinic.example", Provider: "google", TenantID: "asleep"}, "the tenant is snoozed", false},
		{Notice{ContactEmail: "a@clinic.example", Provider: "yahoo", TenantID: "asleep", Kind: KindCorrection}, "", false},
		{Notice{ContactEmail: "back@clinic.example", Provider: "google", Kind: KindCorrection}, "mail to the contact bounces: telephone", true},
	} {
		why := k.why(tt.n)
		if why != tt.why {
			t.Errorf("%+v: %q, want %q", tt.n, why, tt.why)
		}
		if got := (Notice{State: NoticeSuppressed, Detail: why}).ToTelephone(); got != tt.telephone {
			t.Errorf("%+v: telephone %v", tt.n, got)
		}
	}
}

func TestWhatIsHeldAndWhatIsSaidNow(t *testing.T) {
	for _, tt := range []struct {
		held, now Verdict
		want      answer
	}{
		{Revoked, Revoked, answerFailing},
		{Invalid, Revoked, answerFailing},
		{Revoked, Invalid, answerFailing},
		{Revoked, Compliant, answerMended},
		{Revoked, Unproven, answerMended},
		{Revoked, SingleFactor, answerOtherwise},
		{Revoked, SignInBlocked, answerOtherwise},
		{SingleFactor, SingleFactor, answerFailing},
		{SingleFactor, Revoked, answerOtherwise},
		{Revoked, Unverified, answerNone},
	} {
		if got := again(tt.held, tt.now); got != tt.want {
			t.Errorf("held %s, now %s: %q", tt.held, tt.now, got)
		}
	}
}
