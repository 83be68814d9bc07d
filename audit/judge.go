package audit

import "mailaudit/providers"

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

// Judgement is the verdict on one account and how firmly it stands.
type Judgement struct {
	Verdict   Verdict
	TwoFactor providers.TwoFactor
	Certainty providers.Certainty
	Actor     providers.Actor
}

// Judge makes the verdict from class, kind of secret and history. When in doubt whether a reply accuses the
// customer, it does not.
func Judge(c Case) Judgement {
	if c.Reading.Class == providers.Accepted {
		return judgeAccepted(c)
	}
	j := Judgement{
		Verdict:   refusal(c),
		TwoFactor: c.Reading.TwoFactor,
		Certainty: c.Reading.Certainty,
		Actor:     c.Reading.Actor,
	}
	if j.Verdict == Unverified {
		return Judgement{Verdict: Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
	}
	if j.TwoFactor == "" {
		j.TwoFactor = providers.TwoFactorUnknown
	}
	if j.Verdict == AppPasswordRequired {
		j.TwoFactor = providers.TwoFactorShown
	}
	if j.Verdict == Misconfigured || j.Certainty == "" {
		j.Certainty = providers.Ambiguous
	}
	if j.Actor == "" {
		j.Actor = providers.ActorCustomer
	}
	return j
}

// judgeAccepted concludes from the provider's own rule on which kinds of secret it accepts. The kind is a
// guess from the secret's shape, so a finding here is never definite.
func judgeAccepted(c Case) Judgement {
	proof := providers.Proof{Nothing: true, TwoFactor: providers.TwoFactorUnknown}
	if c.Brand != nil {
		if p, ok := c.Brand.Proofs[c.Kind]; ok {
			proof = p
		}
	}
	j := Judgement{Verdict: Compliant, TwoFactor: proof.TwoFactor, Certainty: providers.Definite}
	switch {
	case proof.SingleFactor:
		j.Verdict, j.Certainty, j.Actor = SingleFactor, providers.Ambiguous, providers.ActorCustomer
	case proof.Nothing && c.Kind != providers.KindGrant:
		j.Verdict = Unproven
	}
	if j.TwoFactor == "" {
		j.TwoFactor = providers.TwoFactorUnknown
	}
	return j
}

func refusal(c Case) Verdict {
	if !c.Reading.Accuses() {
		return Unverified
	}
	switch c.Reading.Class {
	case providers.CredentialRejected:
		if c.AcceptedBefore {
			return Revoked
		}
		return Invalid
	case providers.AppPasswordRequired:
		return AppPasswordRequired
	case providers.BrowserSignInRequired, providers.MFARequired:
		return SignInBlocked
	case providers.AuthDisabled:
		if c.Reading.Retired || c.Brand != nil && c.Brand.PasswordsRetired {
			return MethodRetired
		}
		return AuthDisabled
	case providers.AccountBlocked:
		return AccountBlocked
	case providers.Misconfigured:
		if c.ForeignHost {
			return Misconfigured
		}
	}
	return Unverified
}
