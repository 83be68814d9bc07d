package decide

import (
	"testing"
	"time"

	"mailaudit/audit"
)

func TestFresh(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		seen time.Time
		want bool
	}{
		"tonight":                    {now.Add(-7 * time.Hour), true},
		"this moment":                {now, true},
		"a day ago to the second":    {now.Add(-24 * time.Hour), true},
		"a second longer ago":        {now.Add(-24*time.Hour - time.Second), false},
		"on Friday night":            {now.Add(-55 * time.Hour), false},
		"never":                      {time.Time{}, false},
		"by a clock a little ahead":  {now.Add(3 * time.Minute), true},
		"by a clock that has jumped": {now.Add(72 * time.Hour), false},
	} {
		if got := (audit.State{SeenAt: tt.seen}).Fresh(now); got != tt.want {
			t.Errorf("seen %s: fresh %v, want %v", name, got, tt.want)
		}
	}
}

// What a night says of a failing account is evidence only where the provider itself has said it then, and no guard
// doubts it.
func TestSeenAt(t *testing.T) {
	before, said := time.Date(2026, 11, 28, 2, 31, 0, 0, time.UTC), time.Date(2026, 11, 29, 2, 47, 0, 0, time.UTC)
	run := audit.Run{Key: "k", Seq: 2, StartedAt: time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)}
	for name, tt := range map[string]struct {
		settled, tonight audit.Verdict
		change           func(*audit.Result)
		want             time.Time
	}{
		"refused again":                          {audit.Revoked, audit.Revoked, nil, said},
		"refused for the first time":             {audit.Compliant, audit.Revoked, nil, said},
		"refused otherwise":                      {audit.Revoked, audit.SignInBlocked, nil, said},
		"left alone":                             {audit.Revoked, audit.Revoked, func(r *audit.Result) { r.Carried = true }, before},
		"not answered":                           {audit.Revoked, audit.Unverified, nil, before},
		"accepted":                               {audit.Revoked, audit.Compliant, nil, time.Time{}},
		"accepted with one factor":               {audit.SingleFactor, audit.SingleFactor, nil, said},
		"refused again in a night that is held":  {audit.Revoked, audit.Revoked, func(r *audit.Result) { r.Held = true }, before},
		"newly refused in a night that is held":  {audit.Compliant, audit.Revoked, func(r *audit.Result) { r.Held = true }, time.Time{}},
		"otherwise refused in a night that held": {audit.Revoked, audit.SignInBlocked, func(r *audit.Result) { r.Held = true }, time.Time{}},
	} {
		st := audit.State{AccountID: "a", Settled: audit.Settled{Verdict: tt.settled, Nights: 1, NightAt: run.StartedAt.Add(-24 * time.Hour)}}
		if tt.settled.Failing() {
			st.SeenAt = before
		}
		r := audit.Result{AccountID: "a", RunKey: "k", Judgement: audit.Judgement{Verdict: tt.tonight}, At: said}
		if tt.change != nil {
			tt.change(&r)
		}
		st.Tonight = &r
		if got := Settle(run, st).State.SeenAt; !got.Equal(tt.want) {
			t.Errorf("%s: seen at %v, want %v", name, got, tt.want)
		}
	}
	if gone := Left(run, audit.State{SeenAt: before}).State.SeenAt; !gone.IsZero() {
		t.Errorf("who has left was seen at %v", gone)
	}
}

// A night that goes by an earlier verdict does not bring a finding back that an acceptance has ended meanwhile.
func TestCarriedResultEndsNoAcceptance(t *testing.T) {
	run := audit.Run{Key: "k", Seq: 2, StartedAt: time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)}
	at := run.StartedAt.Add(time.Minute)
	st := Remedy(audit.State{Settled: audit.Settled{Verdict: audit.Revoked}}, audit.Result{Judgement: audit.Judgement{Verdict: audit.Compliant}}, at)
	st.Tonight = &audit.Result{Judgement: audit.Judgement{Verdict: audit.Revoked}, Carried: true, At: at.Add(time.Minute)}
	if got := Settle(run, st).State; got.Settled.Verdict != audit.Compliant || got.Remedied != audit.Revoked {
		t.Errorf("settled as %s, mended from %q", got.Settled.Verdict, got.Remedied)
	}
}

func TestHeldNightIsNoEvidence(t *testing.T) {
	st := audit.State{AccountID: "a", Tonight: &audit.Result{Provider: "google", Judgement: audit.Judgement{Verdict: audit.Revoked}}}
	ruled := Rulings{Providers: map[string]Ruling{"google": {Held: true}}}
	for name, tt := range map[string]struct {
		rulings Rulings
		open    []audit.Hold
		want    bool
	}{
		"no hold":              {want: false},
		"held by this run":     {rulings: ruled, want: true},
		"held since a night":   {open: []audit.Hold{{RunKey: "k", Provider: "google"}}, want: true},
		"another's hold":       {open: []audit.Hold{{RunKey: "k", Provider: "yahoo"}}, want: false},
		"another's, by a rule": {rulings: Rulings{Providers: map[string]Ruling{"yahoo": {Held: true}}}, want: false},
	} {
		if got := tt.rulings.Held(st, tt.open).Tonight.Held; got != tt.want {
			t.Errorf("%s: held %v", name, got)
		}
	}
	if st.Tonight.Held {
		t.Error("the recorded result itself is changed")
	}
}
