package pace

import (
	"testing"
	"testing/synctest"
	"time"

	"mailaudit/providers"
)

func TestShare(t *testing.T) {
	const day = 24 * time.Hour
	four := []providers.Capacity{{AtOnce: 13, Refused: true}, {AtOnce: 12}, {AtOnce: 12}, {AtOnce: 11}}
	for _, tt := range []struct {
		name      string
		found     []providers.Capacity
		age       time.Duration
		processes int
		want      providers.Capacity
	}{
		{"nothing", nil, day, 1, providers.Capacity{}},
		{"one and one", []providers.Capacity{{AtOnce: 25, Refused: true}}, day, 1, providers.Capacity{AtOnce: 25, Refused: true}},
		{"one and four", []providers.Capacity{{AtOnce: 50}}, day, 4, providers.Capacity{AtOnce: 12}},
		{"four and four", four, day, 4, providers.Capacity{AtOnce: 12, Refused: true}},
		{"four and the first of one", four, day, 1, providers.Capacity{AtOnce: 12, Refused: true}},
		{"one of two met the provider down", []providers.Capacity{{}, {AtOnce: 20}}, day, 1, providers.Capacity{AtOnce: 20}},
		{"it was down", []providers.Capacity{{}, {}}, day, 2, providers.Capacity{}},
		{"long ago", four, 6 * day, 4, providers.Capacity{}},
	} {
		if got := Share(tt.found, tt.age, tt.processes); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestRecall(t *testing.T) {
	begin := func(max int, b providers.Capacity) *Pacer {
		p := New(Limits{MaxConcurrency: max})
		p.Recall(b)
		return p
	}
	for _, tt := range []struct {
		name string
		max  int
		b    providers.Capacity
		want int
	}{
		{"nothing", 64, providers.Capacity{}, 1}, {"half", 64, providers.Capacity{AtOnce: 25}, 12}, {"hardly anything", 64, providers.Capacity{AtOnce: 2}, 1},
		{"the operator has lowered the limit", 4, providers.Capacity{AtOnce: 25, Refused: true}, 2},
	} {
		if got := begin(tt.max, tt.b).State().Limit; got != tt.want {
			t.Errorf("%s: begins with %d, want %d", tt.name, got, tt.want)
		}
	}
	// The climb ends at what was refused then, and goes on beyond what was merely not tried.
	for _, refused := range []bool{true, false} {
		p := begin(64, providers.Capacity{AtOnce: 20, Refused: refused})
		for range 200 {
			p.ceiling.answered(p.ceiling.limit - 1)
		}
		want := providers.Capacity{AtOnce: 64}
		if refused {
			want = providers.Capacity{AtOnce: 20, Refused: true}
		}
		if got := p.Capacity(); got != want {
			t.Errorf("after the climb: %+v, want %+v", got, want)
		}
	}
	lowered := begin(4, providers.Capacity{AtOnce: 25, Refused: true})
	for range 20 {
		lowered.ceiling.answered(lowered.ceiling.limit - 1)
	}
	if got := lowered.Capacity(); got != (providers.Capacity{AtOnce: 4}) {
		t.Errorf("below a lowered limit: %+v", got)
	}
	// What a process has found itself counts for more.
	p := begin(64, providers.Capacity{})
	for range 10 {
		p.ceiling.answered(p.ceiling.limit - 1)
	}
	p.ceiling.refused(p.ceiling.limit - 1)
	own := p.State().Limit
	if p.Recall(providers.Capacity{AtOnce: 50}); p.State().Limit != own {
		t.Errorf("recalled over its own: %d, was %d", p.State().Limit, own)
	}
}

// A night in which the provider was down, or refused everybody, tells nothing of others, even once it is over.
func TestATroubledNightIsNotRemembered(t *testing.T) {
	for name, trouble := range map[string]Outcome{"down": Unreachable, "refuses one at a time": Throttled} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Limits{MaxConcurrency: 20})
				p.Recall(providers.Capacity{AtOnce: 16})
				ask := func(o Outcome, times int) {
					for range times {
						release, err := p.Acquire(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						release(Feedback{Outcome: o})
					}
				}
				if p.Capacity().AtOnce != 8 {
					t.Fatalf("began with %+v", p.Capacity())
				}
				ask(trouble, unreachableRun+1)
				ask(Answered, 100)
				for range 400 {
					p.ceiling.answered(p.ceiling.limit - 1)
				}
				if s := p.State(); s.Open || s.Gap > 0 || s.Limit < 3 {
					t.Fatalf("it is not over: %+v", s)
				}
				if b := p.Capacity(); b != (providers.Capacity{}) {
					t.Errorf("remembered %+v", b)
				}
			})
		})
	}
}

// The second night at a provider uses what the first found: it takes no climb, meets no more refusals, and
// where the provider bears much less, learns so within as many refusals as it had conversations under way.
func TestASecondNight(t *testing.T) {
	length := func() time.Duration { return 100 * time.Millisecond }
	synctest.Test(t, func(t *testing.T) {
		night := func(p *Pacer, capacity int) (time.Duration, int) {
			s := &server{capacity: func() int { return capacity }}
			return night(t, p, s, 500, 64, length), s.refused
		}
		first := New(Limits{MaxConcurrency: 64})
		took, refused := night(first, 25)
		found := first.Capacity()
		if found.AtOnce < 23 || found.AtOnce > 25 || !found.Refused {
			t.Fatalf("found %+v of 25", found)
		}
		second := New(Limits{MaxConcurrency: 64})
		second.Recall(found)
		again, refusedAgain := night(second, 25)
		least := 500 * 100 * time.Millisecond / 25
		t.Logf("took %s with %d refused, then %s with %d; at least %s", took, refused, again, refusedAgain, least)
		if again > least*115/100 || again > took*9/10 || refusedAgain > refused {
			t.Error("the second night made no use of the first")
		}
		less := New(Limits{MaxConcurrency: 64})
		less.Recall(found)
		if _, refused := night(less, 5); refused > 12 {
			t.Errorf("%d refused by one that bears less tonight", refused)
		}
	})
}
