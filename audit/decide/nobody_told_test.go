package decide

import (
	"math/rand/v2"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// What is ours to fix, what passes and what no rule knows leads to no e-mail: whatever rule says it, of whatever account,
// for as many runs as it likes.
func TestOursLeadsToNoMail(t *testing.T) {
	readings := []providers.Reading{{Class: providers.Unknown}}
	for _, r := range catalog.Rules() {
		read := r.Reading()
		if r.Actor == providers.ActorUs || !read.Class.Customer() && read.Class != providers.Accepted {
			readings = append(readings, read)
		}
		read.Actor = providers.ActorUs // and were any other rule's one day
		if read.Class != providers.Accepted {
			readings = append(readings, read)
		}
	}
	var brands []*providers.Brand
	for _, p := range catalog.All() {
		for i := range p.Brands {
			brands = append(brands, &p.Brands[i])
		}
	}
	kinds := []providers.Kind{providers.KindAppPassword, providers.KindOrdinary, providers.KindGrant}
	r := rand.New(rand.NewPCG(20, 18))
	for _, read := range readings {
		for range 40 {
			c := Case{Reading: read, Kind: kinds[r.IntN(len(kinds))], ForeignHost: r.IntN(2) == 0, AcceptedBefore: r.IntN(2) == 0}
			if r.IntN(8) > 0 {
				c.Brand = brands[r.IntN(len(brands))]
			}
			judged := Judge(c)
			s := audit.Settled{Verdict: judged.Verdict, Certainty: judged.Certainty, Actor: judged.Actor, Nights: r.IntN(9)}
			told := audit.Told{Step: r.IntN(3), Verdict: audit.Invalid, FirstAt: nightTwo.Add(-30 * 24 * time.Hour)}
			cadence := audit.Cadence{ConfirmNights: r.IntN(3), RemindAfter: []time.Duration{time.Hour, 2 * time.Hour}}
			if d := NextMail(cadence, nightTwo, s, told, true, audit.Mailing{}); d.Kind != "" {
				t.Fatalf("%+v leads to %s, and the e-mail %q: %s", c, judged.Verdict, d.Kind, d.Why)
			}
		}
	}
	if len(readings) < 200 {
		t.Errorf("%d readings, want all that the rules give", len(readings))
	}
}
