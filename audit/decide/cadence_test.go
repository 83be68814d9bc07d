package decide

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailaudit/audit"
	"mailaudit/providers"
)

var testCadence = audit.Cadence{ConfirmNights: 2, RemindAfter: []time.Duration{72 * time.Hour, 168 * time.Hour, 336 * time.Hour}}

func TestCadence(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	failing := audit.Settled{Verdict: audit.Revoked, Certainty: providers.Ambiguous, Nights: 2}
	for name, c := range map[string]struct {
		settled audit.Settled
		told    audit.Told
		asked   bool
		lately  int
		pending bool
		want    audit.Decision
	}{
		"fine":                          {settled: audit.Settled{Verdict: audit.Compliant}, asked: true},
		"ambiguous, first night":        {settled: audit.Settled{Verdict: audit.Revoked, Nights: 1}, asked: true},
		"ambiguous, confirmed":          {settled: failing, asked: true, want: audit.Decision{Kind: audit.KindFinding, Step: 1}},
		"definite, first night":         {settled: audit.Settled{Verdict: audit.AppPasswordRequired, Certainty: providers.Definite, Nights: 1}, asked: true, want: audit.Decision{Kind: audit.KindFinding, Step: 1}},
		"not asked tonight":             {settled: failing, told: audit.Told{Step: 1, FirstAt: ago(100 * time.Hour)}},
		"a mail is under way":           {settled: failing, asked: true, pending: true},
		"four mails in 30 days":         {settled: failing, asked: true, lately: 4},
		"works again, after four mails": {settled: audit.Settled{Verdict: audit.Compliant}, told: audit.Told{Step: 4}, asked: true, lately: 4, want: audit.Decision{Kind: audit.KindRecovered}},
		"told yesterday":                {settled: failing, told: audit.Told{Step: 1, FirstAt: ago(24 * time.Hour)}, asked: true},
		"first reminder":                {settled: failing, told: audit.Told{Step: 1, FirstAt: ago(72 * time.Hour)}, asked: true, want: audit.Decision{Kind: audit.KindReminder, Step: 2}},
		"second one not yet":            {settled: failing, told: audit.Told{Step: 2, FirstAt: ago(100 * time.Hour)}, asked: true},
		"last reminder":                 {settled: failing, told: audit.Told{Step: 3, FirstAt: ago(336 * time.Hour)}, asked: true, want: audit.Decision{Kind: audit.KindReminder, Step: 4}},
		"overtaken by a late one":       {settled: failing, told: audit.Told{Step: 2, FirstAt: ago(200 * time.Hour), At: ago(2 * time.Minute)}, asked: true},
		"three days after a late one":   {settled: failing, told: audit.Told{Step: 2, FirstAt: ago(300 * time.Hour), At: ago(72 * time.Hour)}, asked: true, want: audit.Decision{Kind: audit.KindReminder, Step: 3}},
		"on time after one on time":     {settled: failing, told: audit.Told{Step: 2, FirstAt: ago(168 * time.Hour), At: ago(96 * time.Hour)}, asked: true, want: audit.Decision{Kind: audit.KindReminder, Step: 3}},
		"another verdict, not confirmed": {settled: audit.Settled{Verdict: audit.SingleFactor, Certainty: providers.Ambiguous, Nights: 1},
			told: audit.Told{Step: 1, Verdict: audit.Revoked, FirstAt: ago(72 * time.Hour)}, asked: true},
		"left to operations":            {settled: failing, told: audit.Told{Step: 4, FirstAt: ago(9999 * time.Hour)}, asked: true},
		"works again":                   {settled: audit.Settled{Verdict: audit.Compliant}, told: audit.Told{Step: 2}, asked: true, want: audit.Decision{Kind: audit.KindRecovered}},
		"works again, but not asked":    {settled: audit.Settled{Verdict: audit.Compliant}, told: audit.Told{Step: 2}},
		"what shadow mode told":         {settled: failing, told: audit.Told{Step: 1, FirstAt: now, Shadow: true}, asked: true, want: audit.Decision{Kind: audit.KindFinding, Step: 1}},
		"recovery that nobody heard of": {settled: audit.Settled{Verdict: audit.Compliant}, told: audit.Told{Step: 1, Shadow: true}, asked: true},
	} {
		got := dueMail(testCadence, now, c.settled, c.told, c.asked, c.lately, c.pending)
		if got.Kind != c.want.Kind || got.Step != c.want.Step {
			t.Errorf("%s: %q step %d (%s), want %q step %d", name, got.Kind, got.Step, got.Why, c.want.Kind, c.want.Step)
		}
		if got.Why == "" {
			t.Errorf("%s: no reason is given", name)
		}
	}
}

// A year of random nights at one account: whatever happens, its customer is never pestered, never told
// without evidence, and told that all is well only once and only after having been told the contrary.
func TestCadenceOverRandomHistories(t *testing.T) {
	verdicts := []audit.Verdict{audit.Compliant, audit.Revoked, audit.Unverified, audit.AppPasswordRequired, audit.SignInBlocked}
	rapid.Check(t, func(t *rapid.T) {
		run := audit.Run{Key: "k", StartedAt: time.Date(2026, 1, 1, 2, 15, 0, 0, time.UTC)}
		var st audit.State
		var mails []time.Time
		failingTold := false
		for night := range rapid.IntRange(1, 120).Draw(t, "nights") {
			run.Seq++
			run.StartedAt = run.StartedAt.Add(24 * time.Hour)
			v := rapid.SampledFrom(verdicts).Draw(t, "verdict")
			certainty := rapid.SampledFrom([]providers.Certainty{providers.Definite, providers.Ambiguous}).Draw(t, "certainty")
			st.Tonight = &audit.Result{Judgement: audit.Judgement{Verdict: v, Certainty: certainty}, Try: 1}
			before := st
			s := Settle(run, st)
			st = s.State
			lately := 0
			for _, at := range mails {
				if run.StartedAt.Sub(at) < MailWindow {
					lately++
				}
			}
			d := dueMail(testCadence, run.StartedAt, st.Settled, st.Told, v != audit.Unverified, lately, false)
			if v == audit.Unverified {
				if d.Kind != "" {
					t.Fatalf("night %d: a mail (%s) from a night without an answer", night, d.Kind)
				}
				if st.Settled != before.Settled {
					t.Fatalf("night %d: an unverified night changed the finding", night)
				}
			}
			switch d.Kind {
			case "":
				continue
			case audit.KindRecovered:
				if !failingTold || !st.Settled.Verdict.Fine() {
					t.Fatalf("night %d: all is well, told to one who had not been told otherwise", night)
				}
				failingTold = false
				st.Told = audit.Told{}
			default:
				if !st.Settled.Verdict.Failing() || certainty == providers.Ambiguous && st.Settled.Nights < 2 && st.Told.Step == 0 {
					t.Fatalf("night %d: told of %s after %d nights", night, st.Settled.Verdict, st.Settled.Nights)
				}
				failingTold = true
				if d.Step == 1 {
					st.Told = audit.Told{FirstAt: run.StartedAt}
				}
				st.Told.Step = d.Step
			}
			mails = append(mails, run.StartedAt)
			if lately+1 > mailsAtMost {
				t.Fatalf("night %d: mail number %d within 30 days", night, lately+1)
			}
		}
	})
}

// A bad account is asked at most eight times in thirty nights.
func TestBadAccountIsLeftAlone(t *testing.T) {
	policy := audit.Policy{Cadence: testCadence, RecheckRefused: 168 * time.Hour, Mode: audit.ModeLive}
	run := audit.Run{StartedAt: time.Date(2026, 11, 1, 2, 15, 0, 0, time.UTC)}
	var st audit.State
	asked := 0
	for range 30 {
		run.Seq++
		run.StartedAt = run.StartedAt.Add(24 * time.Hour)
		refused := audit.Result{Judgement: audit.Judgement{Verdict: audit.Invalid, Certainty: providers.Ambiguous}, Fingerprint: "f", Try: 1, At: run.StartedAt}
		if LeftAlone(policy, run, st, "f") {
			refused = CarriedOver(refused, st.Settled)
		} else {
			asked++
		}
		st.Tonight = &refused
		st = Settle(run, st).State
		d := dueMail(testCadence, run.StartedAt, st.Settled, st.Told, !refused.Carried, 0, false)
		if d.Kind == "" {
			continue
		}
		if d.Step == 1 {
			st.Told.FirstAt = run.StartedAt
		}
		st.Told.Step = d.Step
	}
	if asked > 8 {
		t.Errorf("asked %d times", asked)
	}
	if st.Told.Step != 4 {
		t.Errorf("reminded up to step %d, want 4: a reminder needs a refusal of the same night", st.Told.Step)
	}
	changed := LeftAlone(policy, run, st, "another")
	if changed {
		t.Error("a changed secret is left alone")
	}
}
