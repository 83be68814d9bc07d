package decide

import (
	"mailaudit/audit"
	"mailaudit/providers"
)

// Case is what there is to judge: what the provider meant, and what the account's credential is.
type Case struct {
	Reading providers.Reading
	Kind    providers.Kind
	Brand   *providers.Brand
	// ForeignHost: the customer stored a host that is no provider's own, so wrong settings can be theirs.
	ForeignHost bool
	// AcceptedBefore: this very secret was accepted on an earlier night.
	AcceptedBefore bool
}

// Judge makes the verdict from class, kind of secret and history. When in doubt whether a reply accuses the
// customer, it does not.
func Judge(c Case) audit.Judgement {
	if c.Reading.Class == providers.Accepted {
		return judgeAccepted(c)
	}
	accusation, accuses := c.Reading.Accusation()
	if !accuses {
		return silent
	}
	return judgeRefused(accusation, c)
}

// silent says nothing of the account.
var silent = audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}

func judgeRefused(a providers.Accusation, c Case) audit.Judgement {
	j := audit.Judgement{Verdict: refusal(a, c), TwoFactor: a.TwoFactor(), Certainty: a.Certainty(), Actor: a.Actor()}
	if j.Verdict == audit.Unverified {
		return silent
	}
	if j.TwoFactor == "" {
		j.TwoFactor = providers.TwoFactorUnknown
	}
	if j.Verdict == audit.AppPasswordRequired {
		j.TwoFactor = providers.TwoFactorShown
	}
	if j.Verdict == audit.Misconfigured || j.Certainty == "" {
		j.Certainty = providers.Ambiguous
	}
	return j
}

// judgeAccepted concludes from the provider's own rule on which kinds of secret it accepts. The kind is a
// guess from the secret's shape, so a finding here is never definite.
func judgeAccepted(c Case) audit.Judgement {
	proof := providers.Proof{Nothing: true, TwoFactor: providers.TwoFactorUnknown}
	if c.Brand != nil {
		if p, ok := c.Brand.Proofs[c.Kind]; ok {
			proof = p
		}
	}
	j := audit.Judgement{Verdict: audit.Compliant, TwoFactor: proof.TwoFactor, Certainty: providers.Definite}
	switch {
	case proof.SingleFactor:
		j.Verdict, j.Certainty, j.Actor = audit.SingleFactor, providers.Ambiguous, providers.ActorCustomer
	case proof.Nothing && c.Kind != providers.KindGrant:
		j.Verdict = audit.Unproven
	}
	if j.TwoFactor == "" {
		j.TwoFactor = providers.TwoFactorUnknown
	}
	return j
}

// refusal is the verdict of an accusation; no other failing verdict comes of a refusal.
func refusal(a providers.Accusation, c Case) audit.Verdict {
	switch a.Class() {
	case providers.CredentialRejected:
		if c.AcceptedBefore {
			return audit.Revoked
		}
		return audit.Invalid
	case providers.AppPasswordRequired:
		return audit.AppPasswordRequired
	case providers.BrowserSignInRequired, providers.MFARequired:
		return audit.SignInBlocked
	case providers.AuthDisabled:
		if a.Retired() || c.Brand != nil && c.Brand.PasswordsRetired {
			return audit.MethodRetired
		}
		return audit.AuthDisabled
	case providers.AccountBlocked:
		return audit.AccountBlocked
	case providers.Misconfigured:
		if c.ForeignHost {
			return audit.Misconfigured
		}
	}
	return audit.Unverified
}

// Accuses reports whether a class says something of the account rather than of the provider's day.
func Accuses(c providers.Class) bool {
	switch c {
	case providers.Accepted, providers.Throttled, providers.Temporary, providers.Unknown:
		return false
	}
	return true
}
