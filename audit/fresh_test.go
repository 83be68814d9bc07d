package audit

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
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
		if got := (State{SeenAt: tt.seen}).Fresh(now); got != tt.want {
			t.Errorf("seen %s: fresh %v, want %v", name, got, tt.want)
		}
	}
}

// What a night says of a failing account is evidence only where the provider itself has said it then, and no guard
// doubts it.
func TestSeenAt(t *testing.T) {
	before, said := time.Date(2026, 11, 28, 2, 31, 0, 0, time.UTC), time.Date(2026, 11, 29, 2, 47, 0, 0, time.UTC)
	run := Run{Key: "k", Seq: 2, StartedAt: time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)}
	for name, tt := range map[string]struct {
		settled, tonight Verdict
		change           func(*Result)
		want             time.Time
	}{
		"refused again":                          {Revoked, Revoked, nil, said},
		"refused for the first time":             {Compliant, Revoked, nil, said},
		"refused otherwise":                      {Revoked, SignInBlocked, nil, said},
		"left alone":                             {Revoked, Revoked, func(r *Result) { r.Carried = true }, before},
		"not answered":                           {Revoked, Unverified, nil, before},
		"accepted":                               {Revoked, Compliant, nil, time.Time{}},
		"accepted with one factor":               {SingleFactor, SingleFactor, nil, said},
		"refused again in a night that is held":  {Revoked, Revoked, func(r *Result) { r.Held = true }, before},
		"newly refused in a night that is held":  {Compliant, Revoked, func(r *Result) { r.Held = true }, time.Time{}},
		"otherwise refused in a night that held": {Revoked, SignInBlocked, func(r *Result) { r.Held = true }, time.Time{}},
	} {
		st := State{AccountID: "a", Settled: Settled{Verdict: tt.settled, Nights: 1, NightAt: run.StartedAt.Add(-24 * time.Hour)}}
		if tt.settled.Failing() {
			st.SeenAt = before
		}
		r := Result{AccountID: "a", RunKey: "k", Judgement: Judgement{Verdict: tt.tonight}, At: said}
		if tt.change != nil {
			tt.change(&r)
		}
		st.Tonight = &r
		if got := Settle(run, st).State.SeenAt; !got.Equal(tt.want) {
			t.Errorf("%s: seen at %v, want %v", name, got, tt.want)
		}
	}
	if gone := Left(run, State{SeenAt: before}).State.SeenAt; !gone.IsZero() {
		t.Errorf("who has left was seen at %v", gone)
	}
}

// A night that goes by an earlier verdict does not bring a finding back that an acceptance has ended meanwhile.
func TestCarriedResultEndsNoAcceptance(t *testing.T) {
	run := Run{Key: "k", Seq: 2, StartedAt: time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)}
	at := run.StartedAt.Add(time.Minute)
	st := Mend(State{Settled: Settled{Verdict: Revoked}}, Result{Judgement: Judgement{Verdict: Compliant}}, at)
	st.Tonight = &Result{Judgement: Judgement{Verdict: Revoked}, Carried: true, At: at.Add(time.Minute)}
	if got := Settle(run, st).State; got.Settled.Verdict != Compliant || got.Mended != Revoked {
		t.Errorf("settled as %s, mended from %q", got.Settled.Verdict, got.Mended)
	}
}

func TestHeldNightIsNoEvidence(t *testing.T) {
	st := State{AccountID: "a", Tonight: &Result{Provider: "google", Judgement: Judgement{Verdict: Revoked}}}
	ruled := Rulings{Providers: map[string]Ruling{"google": {Held: true}}}
	for name, tt := range map[string]struct {
		rulings Rulings
		open    []Hold
		want    bool
	}{
		"no hold":              {want: false},
		"held by this run":     {rulings: ruled, want: true},
		"held since a night":   {open: []Hold{{RunKey: "k", Provider: "google"}}, want: true},
		"another's hold":       {open: []Hold{{RunKey: "k", Provider: "yahoo"}}, want: false},
		"another's, by a rule": {rulings: Rulings{Providers: map[string]Ruling{"yahoo": {Held: true}}}, want: false},
	} {
		if got := tt.rulings.held(st, tt.open).Tonight.Held; got != tt.want {
			t.Errorf("%s: held %v", name, got)
		}
	}
	if st.Tonight.Held {
		t.Error("the recorded result itself is changed")
	}
}

// facts is a ledger that keeps facts alone.
type facts struct {
	Ledger
	kept map[string]string
}

func (f facts) KeepFact(_ context.Context, _, name, value string) (string, error) {
	if _, taken := f.kept[name]; !taken {
		f.kept[name] = value
	}
	return f.kept[name], nil
}

func (f facts) Facts(_ context.Context, _, prefix string) (map[string]string, error) {
	found := map[string]string{}
	for name, value := range f.kept {
		if strings.HasPrefix(name, prefix) {
			found[name] = value
		}
	}
	return found, nil
}

// What was said to a twin was said when the twin was asked, however much later it is taken over.
func TestAnswerOfATwinKeepsItsMoment(t *testing.T) {
	p, _ := catalog.ByName("google")
	now := time.Date(2026, 11, 29, 2, 20, 0, 0, time.UTC)
	asked := now
	w := &batchWork{
		Auditor: &Auditor{
			Ledger: facts{kept: map[string]string{}}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Fingerprints: plainPrints{},
			Policy: Policy{AttemptZone: time.UTC, MaxConcurrency: map[string]int{"google": 1}},
			Resolve: func(context.Context, Account) (Target, error) {
				return Target{Provider: p, Brand: &p.Brands[0], Endpoint: p.Brands[0].Endpoint}, nil
			},
			Open: func(string, []byte) (providers.Secret, error) { return providers.NewSecret("abcdefghijklmnop"), nil },
		},
		run: Run{Key: "k", StartedAt: now.Add(-time.Hour)}, batch: Batch{Try: 1, Provider: "google"},
	}
	acc := Account{ID: "a", Address: "front@gmail.com", Auth: AuthPassword}
	first, _ := w.Auditor.candidate(t.Context(), acc, nil)
	w.twins = twins{first.key.Login: true}
	if _, asks, err := w.answerOfTwin(t.Context(), first); !asks || err != nil {
		t.Fatalf("the first does not ask: %v", err)
	}
	refused := providers.Conversation{CredentialSent: true, Stage: providers.StageAuth, Reply: providers.ParseReply(providers.StageAuth, "535 5.7.8 Username and Password not accepted")}
	if err := w.tellTwins(t.Context(), first, refused, asked); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	acc.ID = "b"
	_, settled, err := w.prepare(t.Context(), []Account{acc})
	if err != nil || len(settled) != 1 || !settled[0].Verdict.Failing() || !settled[0].At.Equal(asked) {
		t.Errorf("taken over: %+v, %v", settled, err)
	}
}
