package audit

import "mailaudit/providers"

// Verdict is what we hold to be true of an account.
type Verdict string

const (
	Compliant           Verdict = "compliant"
	Unproven            Verdict = "unproven"
	SingleFactor        Verdict = "single_factor"
	AppPasswordRequired Verdict = "app_password_required"
	Revoked             Verdict = "revoked"
	Invalid             Verdict = "invalid"
	SignInBlocked       Verdict = "sign_in_blocked"
	AuthDisabled        Verdict = "auth_disabled"
	MethodRetired       Verdict = "method_retired"
	AccountBlocked      Verdict = "account_blocked"
	Misconfigured       Verdict = "misconfigured"
	Unverified          Verdict = "unverified" // nothing can be said tonight; changes no finding's state

	// Gone is kept in the history of an account that has left the source. It is no night's verdict.
	Gone Verdict = "gone"
)

// Verdicts lists what a night can conclude, in the order of reports.
var Verdicts = [...]Verdict{
	Compliant, Unproven, SingleFactor, AppPasswordRequired, Revoked, Invalid, SignInBlocked,
	AuthDisabled, MethodRetired, AccountBlocked, Misconfigured, Unverified,
}

// Failing reports whether the verdict is one that the customer is told.
func (v Verdict) Failing() bool {
	switch v {
	case SingleFactor, AppPasswordRequired, Revoked, Invalid, SignInBlocked, AuthDisabled, MethodRetired,
		AccountBlocked, Misconfigured:
		return true
	}
	return false
}

// Fine reports whether the credential was accepted and nothing needs fixing.
func (v Verdict) Fine() bool { return v == Compliant || v == Unproven }

// NeedsNewSecret reports whether only a new secret ends the finding, if the verdict was right: an unchanged one that is
// accepted speaks against it. Who is locked out, switched off or asked to sign in on the web can be let in again with
// the same one.
func (v Verdict) NeedsNewSecret() bool {
	switch v {
	case Revoked, Invalid, AppPasswordRequired, MethodRetired:
		return true
	}
	return false
}

// Judgement is the verdict on one account and how firmly it stands.
type Judgement struct {
	Verdict   Verdict
	TwoFactor providers.TwoFactor
	Certainty providers.Certainty
	Actor     providers.Actor
	Attested  Attested `json:",omitzero"` // what raised TwoFactor, or speaks against the sign-in
}
