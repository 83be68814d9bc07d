package ask

import (
	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// byTraffic is the result of an account that the product's own sending spares its sign-in; nil where it is to be asked.
func (w *Round) byTraffic(c Candidate) *audit.Result {
	if w.Batch.Try > 1 || !decide.ByTraffic(w.Policy.ReuseTraffic, decide.Traffic{
		State: c.before, LastSentOKAt: c.Account.LastSentOKAt, Fingerprint: c.fingerprint, SameWay: c.known,
		Held: w.Held, Canary: audit.IsCanary(w.Policy, c.Account.ID), Now: w.Now(),
	}) {
		return nil
	}
	j := decide.Judge(decide.Case{
		Reading: providers.Reading{Class: providers.Accepted}, Kind: c.kind(), Brand: c.Target.Brand, ForeignHost: c.Target.Foreign, AcceptedBefore: c.known,
	})
	r, ok := decide.Spared(w.result(c), c.before, w.attest(j, c))
	if !ok {
		return nil
	}
	r.Class = providers.Accepted
	return &r
}
