package decide

import (
	"mailaudit/audit"
	"mailaudit/providers"
)

// Past is a verdict as it was kept.
type Past struct {
	Verdict   audit.Verdict
	Previous  audit.Verdict
	Certainty providers.Certainty
	Rule      string
	Reply     string // evidence
	Foreign   bool   // the server was one of the customer's choosing
	Brand     *providers.Brand
}

// Rereading is what other rules would make of a past verdict.
type Rereading struct {
	Alters    Alters
	NotEnough string // why it cannot be told; "" where it can
	Verdict   audit.Verdict
	Certainty providers.Certainty
	Rule      string
}

// Alters says what other rules would change of a past verdict.
type Alters string

const (
	AltersNothing   Alters = ""
	AltersVerdict   Alters = "verdict"
	AltersCertainty Alters = "certainty"
	AltersRule      Alters = "rule" // the deciding rule alone
)

// Why kept evidence is not enough.
const (
	NotAsReadThen = "the kept part of the reply is not read as the reply was then"
	KindNotKept   = "what an acceptance would prove depends on the secret, which is not kept"
)

// Reread reads the evidence of a past verdict by other rules. known are rules that may have read it then: those in
// force, and those before them. Where none of them reads the evidence as the reply was read, nothing can be told.
func Reread(p Past, then providers.Rules, known ...providers.Rules) Rereading {
	if p.Reply == "" || providers.IsFault(p.Rule) {
		return Rereading{} // no rule read it
	}
	reply, was, ok := readBefore(p, known)
	if !ok {
		return Rereading{NotEnough: NotAsReadThen}
	}
	would := then.Read(reply)
	if would == was || was.Class == providers.Accepted && would.Class == providers.Accepted {
		return Rereading{}
	}
	if judged := p.judge(was); judged.Verdict != p.Verdict && was.Class != providers.Accepted {
		return Rereading{} // a guard or the customer's own traffic decided, and would again
	}
	if would.Class == providers.Accepted {
		return Rereading{NotEnough: KindNotKept}
	}
	j := p.judge(would)
	r := Rereading{Alters: AltersRule, Verdict: j.Verdict, Certainty: j.Certainty, Rule: would.Rule}
	switch {
	case r.Verdict != p.Verdict:
		r.Alters = AltersVerdict
	case r.Certainty != p.Certainty:
		r.Alters = AltersCertainty
	case r.Rule == p.Rule:
		return Rereading{}
	}
	return r
}

// readBefore finds the reply that leads to the rule that was kept; the stage at which it was given is not kept.
func readBefore(p Past, known []providers.Rules) (providers.Reply, providers.Reading, bool) {
	for _, rules := range known {
		for _, stage := range providers.StagesOf(p.Reply) {
			for _, token := range []bool{false, true} {
				reply := providers.ParseEvidence(stage, p.Reply)
				reply.Token = token
				if reading := rules.Read(reply); reading.Rule == p.Rule {
					return reply, reading, true
				}
			}
		}
	}
	return providers.Reply{}, providers.Reading{}, false
}

func (p Past) judge(r providers.Reading) audit.Judgement {
	known := p.Verdict == audit.Revoked || p.Verdict != audit.Invalid && (p.Previous.Fine() || p.Previous == audit.SingleFactor)
	return Judge(Case{Reading: r, Brand: p.Brand, ForeignHost: p.Foreign, AcceptedBefore: known})
}
