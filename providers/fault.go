package providers

import "strings"

// Read is what the provider means by a conversation: by its rules if a reply was given, else by the fault
// that kept one from being given. foreignHost says that the conversation was with a host that the customer
// stored and that is no provider's own: only there can a fault be the customer's, and then always an ambiguous
// one.
//
// A reading of class misconfigured that comes from a reply is returned wherever it was given; whoever makes a
// verdict of it holds it against the customer only for a foreign host, and never if its actor is us.
func (p *Provider) Read(c Conversation, foreignHost bool) Reading {
	if c.Fault == FaultNone {
		return p.Rules.Read(c.Reply)
	}
	return readFault(c.Fault, foreignHost)
}

type faultRule struct {
	rule    string
	class   Class
	foreign bool // the customer's setting, if the host is of the customer's choosing
	actor   Actor
}

// faults reads what kept a server from saying anything. A certificate for another name, a missing STARTTLS,
// no mechanism in common and an authoritative NXDOMAIN come from the stored settings; time-outs, refused
// connections, unknown or expired certificates pass or are fixed elsewhere. A mechanism that we lack is ours.
var faults = map[Fault]faultRule{
	FaultNoSuchHost:     {rule: "fault/no-such-host", class: Temporary, foreign: true},
	FaultNoSTARTTLS:     {rule: "fault/no-starttls", class: Temporary, foreign: true},
	FaultNoMechanism:    {rule: "fault/no-mechanism", class: Temporary, foreign: true},
	FaultTLSName:        {rule: "fault/tls-name", class: Temporary, foreign: true},
	FaultDNS:            {rule: "fault/dns", class: Temporary},
	FaultConnect:        {rule: "fault/connect", class: Temporary},
	FaultTimeout:        {rule: "fault/timeout", class: Temporary},
	FaultDropped:        {rule: "fault/dropped", class: Temporary},
	FaultProtocol:       {rule: "fault/protocol", class: Temporary},
	FaultTLSUntrusted:   {rule: "fault/tls-untrusted", class: Temporary},
	FaultTLS:            {rule: "fault/tls", class: Temporary},
	FaultUnspoken:       {rule: "fault/mechanism-unspoken", class: ClientRefused, actor: ActorUs},
	FaultAddressRefused: {rule: "fault/address-refused", class: ClientRefused, actor: ActorUs},
	FaultCancelled:      {rule: "fault/cancelled", class: ClientRefused, actor: ActorUs},
	FaultOurs:           {rule: "fault/ours", class: ClientRefused, actor: ActorUs},
}

func readFault(f Fault, foreignHost bool) Reading {
	rule, ok := faults[f]
	if !ok {
		return Reading{Class: Unknown, Certainty: Ambiguous}
	}
	r := Reading{Class: rule.class, Rule: rule.rule, Basis: BasisFault, Certainty: Ambiguous, Actor: rule.actor}
	if rule.foreign && foreignHost {
		r.Class, r.Actor = Misconfigured, ActorCustomer
	}
	return r
}

// IsFault reports whether a rule is that of a fault.
func IsFault(rule string) bool { return strings.HasPrefix(rule, "fault/") }

// Answered reports whether the rule of a fault tells of a server that did answer, with a certificate that is self-signed,
// expired, from an unknown authority or another name's: whoever asks must not take that for silence.
func Answered(rule string) bool {
	return rule == faults[FaultTLSName].rule || rule == faults[FaultTLSUntrusted].rule
}
