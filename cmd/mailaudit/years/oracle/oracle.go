package oracle

import "mailaudit/cmd/mailaudit/years/observe"

// Oracle watches the stream of one world; each world needs its own.
type Oracle struct {
	world *world
	rules []rule
	said  map[observe.Violation]bool // without N: nothing is reported twice
}

// rule is one promise. Each function that it has returns sentences on how the promise was broken.
type rule struct {
	name   string
	watch  func(m moment, what observe.What) []string // anything, as it happens
	letter func(l letter) []string                    // a mail that was offered to the relay
	night  func() []string                            // the database and the forms after a night
}

// New returns an oracle at the beginning of a world.
func New() *Oracle {
	w := newWorld()
	return &Oracle{world: w, said: map[observe.Violation]bool{}, rules: []rule{
		modeIsLive(w), sameInstallation(w), killSwitch(w), muted(w), pilot(w), openHours(w), slackFirst(w), // may.go
		onRecord(w), oneAddressee(w), accountGone(w), // addressee.go
		failingOnly(w), freshRefusal(w), confirmed(w), liveTraffic(w), neverForAnOutage(w), // reason.go
		toldOnce(w), recoveredToWhoWasTold(w), correctedOnce(w), // cadence.go
		capOfNight(w), capOfRecipient(w), capOfTenant(w), neverTwice(w), // caps.go
		heldStays(w), holdEndsByDecision(w), // hold.go
		massIsHeld(w), outageIsInconclusive(w), inconclusiveSaysNothing(w), sourceGuard(w), // guard.go
		attemptsPerDay(w), secretsPerDay(w), refusalsPerHost(w), unusableRows(w), // attempts.go
		runConcludes(w), summaryOnce(w), summaryPosted(w), // runs.go
		mailsAreSettled(w), nobodyForgotten(w), // owed.go
		numbersAddUp(w), formsAgree(w), slackAgrees(w), noticesAgree(w), explainAgrees(w), statusAgrees(w), evidenceAgrees(w), digestStays(w), // numbers.go
		verdictFollowsAnswer(w), // numbers.go
		secretsStayInside(w),    // secrets.go
		exitCodes(w),            // exits.go
	}}
}

// Watch takes the next observation and returns the promises that it shows broken.
func (o *Oracle) Watch(ob observe.Observation) []observe.Violation {
	var found []observe.Violation
	report := func(r rule, n int, texts []string) {
		for _, text := range texts {
			v := observe.Violation{Rule: r.name, Text: text}
			if !o.said[v] {
				o.said[v] = true
				v.N = n
				found = append(found, v)
			}
		}
	}
	m := momentOf(ob)
	if _, last := ob.What.(observe.Ended); last {
		o.world.ended = true // what is owed now will never be paid
	}
	if o.world.night.complete(ob.What) {
		for _, r := range o.rules {
			if r.night != nil {
				report(r, ob.N, r.night())
			}
		}
		o.world.nextNight(m)
	}
	o.world.take(m, ob.What)
	for _, r := range o.rules {
		if r.watch != nil {
			report(r, ob.N, r.watch(m, ob.What))
		}
	}
	for _, l := range o.world.letters(ob.What) {
		for _, r := range o.rules {
			if r.letter != nil {
				report(r, l.n, r.letter(l))
			}
		}
	}
	return found
}
