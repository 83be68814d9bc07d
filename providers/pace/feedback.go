package pace

import (
	"time"

	"mailaudit/providers"
)

// Outcome is what a conversation says about the pace.
type Outcome int

const (
	Nothing     Outcome = iota // cancelled, or our own fault
	Answered                   // whatever the answer: a refused credential is one
	Throttled                  // too many or too fast, in the provider's own words
	Unreachable                // no connection, or dropped or silent before anything was said of the credential
)

// Feedback is an outcome, and how long the provider asked us to stay away (0: it did not say).
type Feedback struct {
	Outcome Outcome
	Wait    time.Duration
}

// Of reads the outcome off a conversation and what the provider's rules made of its reply.
func Of(c providers.Conversation, r providers.Reading) Feedback {
	switch c.Fault {
	case providers.FaultNone:
		early := c.Reply.Stage != providers.StageAuth
		if r.Class == providers.Throttled || c.Reply.Code == 421 && early || c.Reply.Code == 432 {
			return Feedback{Outcome: Throttled}
		}
		return Feedback{Outcome: Answered}
	case providers.FaultConnect, providers.FaultTimeout, providers.FaultDropped:
		return Feedback{Outcome: Unreachable}
	case providers.FaultTLS, providers.FaultTLSName, providers.FaultTLSUntrusted, providers.FaultProtocol,
		providers.FaultNoSTARTTLS, providers.FaultNoMechanism:
		return Feedback{Outcome: Answered} // by a server that is there
	}
	return Feedback{Outcome: Nothing}
}
