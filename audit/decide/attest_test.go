package decide_test

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

var attestedNow = time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)

func attests(kind audit.AttestationKind, value bool, days float64) audit.Attestation {
	return audit.Attestation{AccountID: "a", Kind: kind, Value: value, SeenAt: attestedNow.Add(-time.Duration(days * 24 * float64(time.Hour)))}
}

func TestAttest(t *testing.T) {
	const (
		shown, likely, unknown, absent = providers.TwoFactorShown, providers.TwoFactorLikely, providers.TwoFactorUnknown, providers.TwoFactorAbsent
	)
	expired, later := attests(audit.EntraRegistered, true, 1), attests(audit.EntraRegistered, true, 1)
	expired.ExpiresAt, later.ExpiresAt = attestedNow, attestedNow.Add(time.Second)
	for _, c := range []struct {
		name    string
		verdict audit.Verdict
		from    providers.TwoFactor
		rows    []audit.Attestation
		want    providers.TwoFactor
		by      audit.AttestationKind
		against string
	}{
		{"nothing is attested", audit.Compliant, unknown, nil, unknown, "", ""},
		{"a directory raises what is not known", audit.Compliant, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, 5)}, shown, audit.EntraRegistered, ""},
		{"and what is likely", audit.Compliant, likely, []audit.Attestation{attests(audit.GoogleEnrolled, true, 5)}, shown, audit.GoogleEnrolled, ""},
		{"enforced too", audit.Unproven, unknown, []audit.Attestation{attests(audit.GoogleEnforced, true, 5)}, shown, audit.GoogleEnforced, ""},
		{"a sign-in in two steps", audit.Compliant, unknown, []audit.Attestation{attests(audit.OIDCMultiFactor, true, 5)}, shown, audit.OIDCMultiFactor, ""},
		{"a statement raises to likely", audit.Compliant, unknown, []audit.Attestation{attests(audit.CustomerStatement, true, 5)}, likely, audit.CustomerStatement, ""},
		{"and no further", audit.Compliant, likely, []audit.Attestation{attests(audit.CustomerStatement, true, 5)}, likely, "", ""},
		{"what is shown stays", audit.Compliant, shown, []audit.Attestation{attests(audit.CustomerStatement, true, 5)}, shown, "", ""},
		{"a refused account is raised as well", audit.Revoked, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, 5)}, shown, audit.EntraRegistered, ""},
		{"an unverified one is not: nothing is said of it", audit.Unverified, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, 5)}, unknown, "", ""},
		{"absent is never raised, and listed", audit.SingleFactor, absent, []audit.Attestation{attests(audit.OIDCMultiFactor, true, 5)}, absent, audit.OIDCMultiFactor, "absent"},
		{"an ordinary password stays, and is listed", audit.SingleFactor, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, 5)}, shown, audit.EntraRegistered, "single_factor"},
		{"a no lowers nothing", audit.Compliant, shown, []audit.Attestation{attests(audit.GoogleEnrolled, false, 1)}, shown, "", ""},
		{"a no alone raises nothing", audit.Compliant, likely, []audit.Attestation{attests(audit.GoogleEnrolled, false, 1)}, likely, "", ""},
		{"90 days old holds", audit.Compliant, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, 90)}, shown, audit.EntraRegistered, ""},
		{"older does not", audit.Compliant, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, 90.01)}, unknown, "", ""},
		{"expired does not", audit.Compliant, unknown, []audit.Attestation{expired}, unknown, "", ""},
		{"until then it does", audit.Compliant, unknown, []audit.Attestation{later}, shown, audit.EntraRegistered, ""},
		{"a clock 4 minutes ahead is no matter", audit.Compliant, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, -4./1440)}, shown, audit.EntraRegistered, ""},
		{"what was seen tomorrow proves nothing", audit.Compliant, unknown, []audit.Attestation{attests(audit.EntraRegistered, true, -1)}, unknown, "", ""},
		{"seen at no time proves nothing", audit.Compliant, unknown, []audit.Attestation{{AccountID: "a", Kind: audit.EntraRegistered, Value: true}}, unknown, "", ""},
		{"a directory beats a later statement", audit.Compliant, unknown, []audit.Attestation{attests(audit.CustomerStatement, true, 1), attests(audit.GoogleEnrolled, true, 40)}, shown, audit.GoogleEnrolled, ""},
		{"a stale directory leaves the statement", audit.Compliant, unknown, []audit.Attestation{attests(audit.CustomerStatement, true, 1), attests(audit.GoogleEnrolled, true, 100)}, likely, audit.CustomerStatement, ""},
		{"the later of two", audit.Compliant, unknown, []audit.Attestation{attests(audit.GoogleEnrolled, true, 9), attests(audit.OIDCMultiFactor, true, 2)}, shown, audit.OIDCMultiFactor, ""},
		{"a directory's no contradicts a statement", audit.Compliant, unknown, []audit.Attestation{attests(audit.CustomerStatement, true, 1), attests(audit.GoogleEnrolled, false, 1)}, likely, audit.CustomerStatement, "google_2sv_enrolled"},
		{"a stale no contradicts nothing", audit.Compliant, unknown, []audit.Attestation{attests(audit.CustomerStatement, true, 1), attests(audit.GoogleEnrolled, false, 91)}, likely, audit.CustomerStatement, ""},
		{"not enforced does not contradict enrolled", audit.Compliant, unknown, []audit.Attestation{attests(audit.GoogleEnrolled, true, 1), attests(audit.GoogleEnforced, false, 1)}, shown, audit.GoogleEnrolled, ""},
	} {
		was := audit.Judgement{Verdict: c.verdict, TwoFactor: c.from, Certainty: providers.Definite, Actor: providers.ActorCustomer}
		got := decide.Attest(was, c.rows, audit.Attested{}, attestedNow)
		if got.TwoFactor != c.want || got.Attested.Kind != c.by || got.Attested.Against != c.against {
			t.Errorf("%s: %s by %q against %q, want %s by %q against %q", c.name, got.TwoFactor, got.Attested.Kind, got.Attested.Against, c.want, c.by, c.against)
		}
		if c.by != "" && got.Attested.From != c.from {
			t.Errorf("%s: raised from %q, want %q", c.name, got.Attested.From, c.from)
		}
		if got.Verdict != was.Verdict || got.Certainty != was.Certainty || got.Actor != was.Actor {
			t.Errorf("%s: changed more than two-factor: %+v", c.name, got)
		}
	}
}

func TestAttestedIsRenewedInSteps(t *testing.T) {
	j := audit.Judgement{Verdict: audit.Compliant, TwoFactor: providers.TwoFactorUnknown}
	before := decide.Attest(j, []audit.Attestation{attests(audit.GoogleEnrolled, true, 13)}, audit.Attested{}, attestedNow).Attested
	kept := decide.Attest(j, []audit.Attestation{attests(audit.GoogleEnrolled, true, 0)}, before, attestedNow)
	if !kept.Attested.Same(before) {
		t.Errorf("13 days younger: %+v, want what was kept, %+v", kept.Attested, before)
	}
	tomorrow := attestedNow.Add(24 * time.Hour)
	anew := decide.Attest(j, []audit.Attestation{{AccountID: "a", Kind: audit.GoogleEnrolled, Value: true, SeenAt: tomorrow}}, before, tomorrow)
	if anew.Attested.AgeDays(tomorrow) != 0 {
		t.Errorf("14 days younger: %+v, want the new day", anew.Attested)
	}
	if got := decide.Attest(j, nil, before, attestedNow); got.TwoFactor != providers.TwoFactorUnknown || got.Attested.Kind != "" {
		t.Errorf("withdrawn: %+v, want what the sign-in shows", got)
	}
}

func TestUnreadableAttestationsLowerNothing(t *testing.T) {
	j := audit.Judgement{Verdict: audit.Compliant, TwoFactor: providers.TwoFactorUnknown}
	rows := []audit.Attestation{attests(audit.CustomerStatement, true, 2), attests(audit.GoogleEnrolled, false, 2)}
	before := decide.Attest(j, rows, audit.Attested{}, attestedNow)
	again := decide.AttestAsBefore(j, before.Attested, attestedNow.Add(48*time.Hour))
	if again.TwoFactor != before.TwoFactor || !again.Attested.Same(before.Attested) {
		t.Errorf("two days later %+v, want %+v", again, before)
	}
	if late := decide.AttestAsBefore(j, before.Attested, attestedNow.Add(89*24*time.Hour)); late.TwoFactor != providers.TwoFactorUnknown {
		t.Errorf("91 days after it was seen it is %s, want unknown", late.TwoFactor)
	}
}
