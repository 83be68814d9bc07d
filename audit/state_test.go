package audit

import (
	"testing"

	"mailaudit/providers"
)

// Who answers with a certificate that nobody trusts has answered; who hangs up or asks us to wait has not.
func TestACertificateIsAnAnswer(t *testing.T) {
	p := providers.Provider{}
	for fault, silent := range map[providers.Fault]bool{
		providers.FaultTLSUntrusted: false, providers.FaultTLSName: false, providers.FaultTimeout: true, providers.FaultConnect: true,
		providers.FaultDNS: true, providers.FaultDropped: true,
	} {
		reading := p.Read(providers.Conversation{Fault: fault}, false)
		r := Result{Judgement: Judgement{Verdict: Unverified}, Class: reading.Class, Rule: reading.Rule}
		if r.Silent() != silent {
			t.Errorf("%s: silent %v, want %v", fault, r.Silent(), silent)
		}
	}
	if r := (Result{Judgement: Judgement{Verdict: Unverified}, Class: providers.Throttled, Rule: "common/throttled"}); !r.Silent() {
		t.Error("a server that asks us to wait has answered")
	}
}
