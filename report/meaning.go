package report

import "mailaudit/audit"

// Meaning explains a verdict in a sentence, for operations.
func Meaning(v audit.Verdict) string { return meanings[v] }

var meanings = map[audit.Verdict]string{
	audit.Compliant:           "The provider accepted it, and it is an app password or an OAuth grant.",
	audit.Unproven:            "The provider accepted it; what kind of password it is cannot be told there.",
	audit.SingleFactor:        "The provider accepted an ordinary password: one factor opens this mailbox.",
	audit.AppPasswordRequired: "The provider wants an app password; the stored secret is the mailbox's ordinary password.",
	audit.Revoked:             "The provider refused it, and accepted the same secret before: it was changed or removed.",
	audit.Invalid:             "The provider refused it, and was never seen to accept it.",
	audit.SignInBlocked:       "The owner must sign in on the web first, or answer the provider's question there.",
	audit.AuthDisabled:        "Sign-in with a password for sending is switched off, by an administrator, a setting or the plan.",
	audit.MethodRetired:       "The provider has ended this way of signing in for good.",
	audit.AccountBlocked:      "The mailbox is locked, suspended, disabled, expired or gone.",
	audit.Misconfigured:       "Host, port, encryption or sign-in method as stored cannot work.",
	audit.Unverified:          "Nothing can be said now. An earlier finding stays open, and the customer is not notified.",
}
