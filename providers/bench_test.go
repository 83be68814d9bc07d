package providers_test

import (
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/google"
)

func BenchmarkRead(b *testing.B) {
	wire := "535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-4362b4a1f6csm2917145e9.31 - gsmtp"
	b.ReportAllocs()
	for b.Loop() {
		if google.Provider.Rules.Read(providers.ParseReply(providers.StageAuth, wire)).Class != providers.CredentialRejected {
			b.Fatal("wrong class")
		}
	}
}

func BenchmarkReadByCommonRules(b *testing.B) {
	rules := providers.CommonRules()
	b.ReportAllocs()
	for b.Loop() {
		if rules.Read(providers.ParseReply(providers.StageAuth, "535 Incorrect authentication data")).Class != providers.CredentialRejected {
			b.Fatal("wrong class")
		}
	}
}
