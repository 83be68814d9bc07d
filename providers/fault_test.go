package providers_test

import (
	"testing"

	"mailaudit/providers"
)

func TestReadFault(t *testing.T) {
	var p providers.Provider
	tests := map[providers.Fault]struct{ own, foreign providers.Class }{
		providers.FaultNoSuchHost:     {providers.Temporary, providers.Misconfigured},
		providers.FaultNoSTARTTLS:     {providers.Temporary, providers.Misconfigured},
		providers.FaultNoMechanism:    {providers.Temporary, providers.Misconfigured},
		providers.FaultTLSName:        {providers.Temporary, providers.Misconfigured},
		providers.FaultDNS:            {providers.Temporary, providers.Temporary},
		providers.FaultConnect:        {providers.Temporary, providers.Temporary},
		providers.FaultTimeout:        {providers.Temporary, providers.Temporary},
		providers.FaultDropped:        {providers.Temporary, providers.Temporary},
		providers.FaultProtocol:       {providers.Temporary, providers.Temporary},
		providers.FaultTLSUntrusted:   {providers.Temporary, providers.Temporary},
		providers.FaultTLS:            {providers.Temporary, providers.Temporary},
		providers.FaultAddressRefused: {providers.ClientRefused, providers.ClientRefused},
		providers.FaultCancelled:      {providers.ClientRefused, providers.ClientRefused},
		providers.FaultOurs:           {providers.ClientRefused, providers.ClientRefused},
		"something new":               {providers.Unknown, providers.Unknown},
	}
	for fault, want := range tests {
		for foreign, class := range map[bool]providers.Class{false: want.own, true: want.foreign} {
			got := p.Read(providers.Conversation{Fault: fault}, foreign)
			if got.Class != class || got.Certainty != providers.Ambiguous {
				t.Errorf("%s, foreign host %v: %s %s, want %s ambiguous", fault, foreign, got.Class, got.Certainty, class)
			}
			if got.Accuses() != (class == providers.Misconfigured) {
				t.Errorf("%s, foreign host %v: accuses %v", fault, foreign, got.Accuses())
			}
			if (got.Rule == "") != (class == providers.Unknown) {
				t.Errorf("%s has the rule %q", fault, got.Rule)
			}
		}
	}
}

func TestReadReply(t *testing.T) {
	rules, err := providers.ParseRules("x", []byte(`- {id: x/one, stage: [auth], code: ["535"], class: auth_disabled, certainty: definite, actor: administrator, two_factor: shown, retired: true, source: test, seen: 2026}`))
	if err != nil {
		t.Fatal(err)
	}
	p := providers.Provider{Rules: rules}
	want := providers.Reading{Class: "auth_disabled", Rule: "x/one", Basis: "rule", Certainty: "definite", Actor: "administrator", TwoFactor: "shown", Retired: true}
	if got := p.Read(providers.Conversation{Reply: providers.ParseReply("auth", "535 no")}, false); got != want {
		t.Errorf("%+v", got)
	}
}

func TestAccuses(t *testing.T) {
	for reading, want := range map[providers.Reading]bool{
		{Class: providers.CredentialRejected}:                                true,
		{Class: providers.AuthDisabled, Actor: providers.ActorAdministrator}: true,
		{Class: providers.Misconfigured}:                                     true,
		{Class: providers.Misconfigured, Actor: providers.ActorUs}:           false,
		{Class: providers.Throttled}:                                         false,
		{Class: providers.ClientRefused, Actor: providers.ActorUs}:           false,
		{Class: providers.Accepted}:                                          false,
		{Class: providers.Unknown}:                                           false,
	} {
		if got := reading.Accuses(); got != want {
			t.Errorf("%+v: %v", reading, got)
		}
	}
}
