package report

import (
	"cmp"
	"slices"
	"time"

	"mailaudit/audit"
)

const (
	sampleSize  = 200  // newly failing accounts that a summary names
	distinctMax = 1000 // different reasons that a walk keeps apart
)

// Silence is a reason why accounts of a provider are unverified.
type Silence struct {
	Provider string
	Rule     string // that read the reply; "" where no server spoke
	Reason   string // for people; not for Slack, since it may name a host
	OwnData  bool   // refused by our own checks of the source; the reason names a column and no value
	Count    int
}

// Why says in words why nothing is known.
func (q Silence) Why() string {
	switch {
	case q.Reason != "" && q.Rule != "":
		return q.Reason + " (" + q.Rule + ")"
	case q.Reason+q.Rule == "":
		return "no reason was noted"
	}
	return q.Reason + q.Rule
}

// walk is what one pass over a run's accounts yields, in bounded memory.
type walk struct {
	numbers      audit.Numbers
	carried      int
	sample       []audit.Finding
	taken        []audit.Finding      // whose refusals were taken back, the first [sampleSize]
	contradicted []audit.Finding      // attestations that something speaks against, the first [sampleSize]
	unknown      map[string]int       // accounts by provider that met a reply which no rule knows
	silent       map[Silence]int      // Count is zero in the key
	chronic      map[Chronic]*Chronic // by what tells them apart
	started      time.Time
	standing
}

func newWalk(run audit.Run) *walk {
	return &walk{
		unknown: map[string]int{}, silent: map[Silence]int{}, chronic: map[Chronic]*Chronic{}, started: run.StartedAt,
		standing: standing{debts: map[string]*Debt{}, rules: map[string]map[string]int{}},
	}
}

func (w *walk) add(f audit.Finding) error {
	w.numbers.Count(f, w.started)
	if f.Chronic(w.started) {
		w.addChronic(f)
	} else {
		w.standing.add(f, w.started)
	}
	if f.Carried {
		w.carried++
	}
	if f.Verdict.Failing() && !f.Previous.Failing() && len(w.sample) < sampleSize {
		w.sample = append(w.sample, f)
	}
	if f.Attested.Against != "" && len(w.contradicted) < sampleSize {
		w.contradicted = append(w.contradicted, f)
	}
	if f.Reversal != nil && len(w.taken) < sampleSize {
		w.taken = append(w.taken, f)
	}
	if f.Verdict == audit.Unverified {
		w.unverified(f)
	}
	return nil
}

// unverified keeps replies that no rule knows apart from silence with a reason.
func (w *walk) unverified(f audit.Finding) {
	if f.Wording != "" {
		w.unknown[f.Provider]++
		return
	}
	k := Silence{Provider: f.Provider, Rule: f.Rule, Reason: f.Reason, OwnData: f.Cause() == audit.CauseOwnData}
	if _, ok := w.silent[k]; !ok && len(w.silent) >= distinctMax {
		k.Rule, k.Reason = "", "(other reasons)"
	}
	w.silent[k]++
}

func (w *walk) silences() []Silence {
	var out []Silence
	for k, n := range w.silent {
		k.Count = n
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Silence) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Provider, b.Provider),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}
