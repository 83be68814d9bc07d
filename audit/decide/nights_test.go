package decide

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailaudit/audit"
	"mailaudit/providers"
)

// subject is one account and its customer over many nights, through the very rules that the night uses:
// leaving alone, voiding, settling, deciding.
type subject struct {
	policy audit.Policy
	run    audit.Run
	st     audit.State
	now    time.Time

	secret  string
	mails   []time.Time // that reached the customer
	waiting []letter
	belief  audit.NoticeKind // what the last mail said
	streak  int              // conclusive nights in a row that refused alike and were not void
	refused audit.Verdict
	asked   int
	seen    map[string]int // what the history came to
}

// letter is a mail that is written and has not left.
type letter struct {
	audit.Decision
	verdict audit.Verdict
	left    int // nights until it leaves
}

func newSubject(seen map[string]int) *subject {
	return &subject{
		policy: audit.Policy{Cadence: testCadence, RecheckRefused: 168 * time.Hour, Mode: audit.ModeLive},
		now:    time.Date(2026, 1, 1, 2, 15, 0, 0, time.UTC), secret: "s0", seen: seen,
	}
}

// evening is what one night may bring.
type evening struct {
	verdict   audit.Verdict
	certainty providers.Certainty
	void      Void
	delay     int  // nights that a mail which is written tonight waits: a hold, a cap, the kill switch
	changed   bool // the customer has stored another secret
	later     time.Duration
}

// episodes are what lasts some nights: drawn night by night, hardly any history would come to a reminder.
var episodes = map[string]func(t *rapid.T, n int) evening{
	"fine":     func(*rapid.T, int) evening { return evening{verdict: audit.Compliant} },
	"doubtful": func(*rapid.T, int) evening { return evening{verdict: audit.Revoked, certainty: providers.Ambiguous} },
	"definite": func(*rapid.T, int) evening {
		return evening{verdict: audit.AppPasswordRequired, certainty: providers.Definite}
	},
	"flapping": func(t *rapid.T, n int) evening {
		if n%2 == 0 {
			return evening{verdict: audit.Compliant}
		}
		return evening{verdict: audit.Invalid, certainty: rapid.SampledFrom([]providers.Certainty{providers.Ambiguous, providers.Definite}).Draw(t, "certainty")}
	},
	"silent": func(*rapid.T, int) evening { return evening{verdict: audit.Unverified} },
	"void": func(t *rapid.T, _ int) evening {
		return evening{
			verdict: rapid.SampledFrom([]audit.Verdict{audit.Compliant, audit.Revoked, audit.SignInBlocked}).Draw(t, "verdict"), certainty: providers.Ambiguous,
			void: rapid.SampledFrom([]Void{VoidChanges, VoidRefusals, VoidAcceptances, VoidAll}).Draw(t, "void"),
		}
	},
	"other cause": func(*rapid.T, int) evening {
		return evening{verdict: audit.SignInBlocked, certainty: providers.Ambiguous}
	},
}

func (s *subject) night(t *rapid.T, e evening) {
	s.now = s.now.Add(24*time.Hour + e.later)
	s.run = audit.Run{Key: "k", Seq: s.run.Seq + 1, StartedAt: s.now}
	if e.changed {
		s.secret += "'"
	}
	s.deliver(t)

	answer := audit.Result{
		Judgement: audit.Judgement{Verdict: e.verdict, Certainty: e.certainty}, Fingerprint: s.secret, Provider: "google", Try: 1, At: s.now,
	}
	if LeftAlone(s.policy, s.run, s.st, s.secret) {
		answer = CarriedOver(answer, s.st.Settled)
		s.seen["left alone"]++
	} else if e.verdict != audit.Unverified {
		s.asked++
	}
	s.st.Tonight = &answer
	rulings := Rulings{Providers: map[string]Ruling{"google": {Void: e.void}}}
	before, voided := s.st, rulings.Apply(s.st)
	settled := Settle(s.run, voided)
	s.st = settled.State
	tonight := s.st.Tonight.Verdict
	conclusive := tonight != audit.Unverified
	if !conclusive && s.st.Settled != before.Settled {
		t.Fatalf("%v: a night without an answer changed the finding", s.now)
	}
	if conclusive && tonight.Failing() && e.void != "" && e.void != VoidAcceptances {
		t.Fatalf("%v: a refusal counts though its night is void (%s)", s.now, e.void)
	}
	if before.Settled.Verdict.Failing() && !s.st.Settled.Verdict.Failing() && (e.verdict != audit.Compliant || answer.Carried) {
		t.Fatalf("%v: a finding was closed without an acceptance", s.now)
	}
	switch {
	case !conclusive || answer.Carried:
	case tonight == s.refused:
		s.streak++
	default:
		s.refused, s.streak = tonight, 1
	}
	d := NextMail(s.policy.Cadence, s.now, s.st.Settled, s.st.Told, conclusive && !answer.Carried, s.mailing())
	if d.Kind == "" {
		if conclusive && tonight.Failing() && len(s.waiting) == 0 && s.mailing().Lately >= mailsAtMost-1 {
			s.seen["capped"]++
		}
		return
	}
	s.check(t, e, answer, d)
	s.waiting = append(s.waiting, letter{d, s.st.Settled.Verdict, e.delay})
	if e.delay > 0 {
		s.seen["waited"]++
	}
	s.deliver(t)
}

// check is what must hold of every mail that is written.
func (s *subject) check(t *rapid.T, e evening, answer audit.Result, d audit.Decision) {
	switch {
	case s.st.Tonight.Verdict == audit.Unverified || answer.Carried:
		t.Fatalf("%v: a %s without the provider's word of the same night", s.now, d.Kind)
	case d.Kind == audit.KindRecovered && !s.st.Settled.Verdict.Fine():
		t.Fatalf("%v: all is well, of an account that is %s", s.now, s.st.Settled.Verdict)
	case d.Kind != audit.KindRecovered && !e.verdict.Failing():
		t.Fatalf("%v: a %s of an account that the provider did not refuse", s.now, d.Kind)
	case d.Step == 1 && e.certainty != providers.Definite && s.streak < testCadence.ConfirmNights:
		t.Fatalf("%v: told after %d nights: a flap", s.now, s.streak)
	}
	s.seen[string(d.Kind)]++
	if d.Step == 4 {
		s.seen["last reminder"]++
	}
}

// deliver has the mails leave whose time has come and for which the account still stands as they say.
func (s *subject) deliver(t *rapid.T) {
	for len(s.waiting) > 0 {
		m := s.waiting[0]
		if m.left--; m.left >= 0 {
			s.waiting[0] = m
			return
		}
		s.waiting = s.waiting[1:]
		recovered := m.Kind == audit.KindRecovered
		if recovered == s.st.Settled.Verdict.Failing() || !recovered && s.secret != s.st.Fingerprint {
			s.seen["overtaken"]++
			continue
		}
		if recovered && s.belief != audit.KindFinding && s.belief != audit.KindReminder {
			t.Fatalf("%v: all is well, told to one who believed nothing else", s.now)
		}
		s.belief = m.Kind
		s.st.Told = s.st.Told.After(audit.Notice{ID: 1, State: audit.NoticeSent}, audit.NoticeItem{Step: m.Step, Verdict: m.verdict}, s.now)
		s.mails = append(s.mails, s.now)
		if n := s.lately(); n > mailsAtMost {
			t.Fatalf("%v: %d mails in 30 days", s.now, n)
		}
	}
}

func (s *subject) lately() int {
	return len(slices.DeleteFunc(slices.Clone(s.mails), func(at time.Time) bool { return s.now.Sub(at) >= MailWindow }))
}

func (s *subject) mailing() audit.Mailing {
	m := audit.Mailing{Lately: s.lately() + len(s.waiting), Pending: len(s.waiting) > 0}
	for _, w := range s.waiting {
		m.Closing = m.Closing || w.Kind.Closes()
	}
	return m
}

func TestNightsOverRandomHistories(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		s := newSubject(seen)
		names := make([]string, 0, len(episodes))
		for name := range episodes {
			names = append(names, name)
		}
		slices.Sort(names)
		for range rapid.IntRange(1, 10).Draw(t, "episodes") {
			next := episodes[rapid.SampledFrom(names).Draw(t, "episode")]
			for n := range rapid.IntRange(1, 25).Draw(t, "nights") {
				e := next(t, n)
				e.later = time.Duration(rapid.IntRange(-3, 3).Draw(t, "hours later")) * time.Hour
				if rapid.IntRange(0, 9).Draw(t, "waits") == 0 {
					e.delay = rapid.IntRange(1, 6).Draw(t, "delay")
				}
				e.changed = rapid.IntRange(0, 19).Draw(t, "changes") == 0
				s.night(t, e)
			}
		}
	})
	// Histories that never come to the rare turns would prove nothing.
	for _, turn := range []string{"finding", "reminder", "last reminder", "recovered", "left alone", "waited", "overtaken", "capped"} {
		if seen[turn] == 0 {
			t.Errorf("no history came to %q: %v", turn, seen)
		}
	}
}

// Whoever stays refused is asked at most eight times in thirty nights, however silent nights fall between.
func TestABadSecretIsTriedSeldom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSubject(map[string]int{})
		var tries []time.Time
		for range rapid.IntRange(1, 90).Draw(t, "nights") {
			e := evening{verdict: audit.Invalid, certainty: providers.Ambiguous}
			if rapid.IntRange(0, 4).Draw(t, "silent") == 0 {
				e.verdict = audit.Unverified
			}
			e.later = time.Duration(rapid.IntRange(-3, 3).Draw(t, "hours later")) * time.Hour
			asked := s.asked
			s.night(t, e)
			if s.asked > asked {
				tries = append(tries, s.now)
			}
			within := 0
			for _, at := range tries {
				if s.now.Sub(at) < 30*24*time.Hour {
					within++
				}
			}
			if within > 8 {
				t.Fatalf("%v: tried %d times in 30 nights", s.now, within)
			}
		}
	})
}
