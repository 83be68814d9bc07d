package ask

import (
	"context"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// Attestor reads what the product attests of accounts.
type Attestor interface {
	Attestations(ctx context.Context, accountIDs []string) (audit.Attestations, error)
}

// attested is what is known of one account's attestations.
type attested struct {
	rows []audit.Attestation
	read bool
}

// attest raises a judgement by what the product attests of the account.
func (a *Asker) attest(j audit.Judgement, c Candidate) audit.Judgement {
	switch {
	case a.Attestor == nil:
		return j
	case c.attested.read:
		return decide.Attest(j, c.attested.rows, c.before.Settled.Attested, a.Now())
	}
	return decide.AttestAsBefore(j, c.before.Settled.Attested, a.Now())
}

// LoadAttestations reads what the product attests of accounts. Where it cannot be read, operations are told, and what was
// attested before holds as long as it would.
func (w *Round) LoadAttestations(ctx context.Context, accountIDs []string) {
	if w.Attestor == nil || len(accountIDs) == 0 {
		return
	}
	all, err := w.Attestor.Attestations(ctx, accountIDs)
	if err != nil {
		if ctx.Err() == nil {
			w.Log.Error("attestations not read", "run", w.Run.Key, "err", err)
			w.trouble(ctx, audit.Trouble{What: "the attestations of two-factor cannot be read", Fix: "mailaudit doctor shows the error; no verdict depends on them"})
		}
		return
	}
	for _, odd := range all.Odd {
		w.trouble(ctx, audit.Trouble{What: "attestations: " + odd + "; these rows are left out", Fix: "correct the rows of the table or view in attestations; no verdict depends on them"})
	}
	w.attestations = &all
}

func (w *Round) attestedOf(accountID string) attested {
	if w.attestations == nil {
		return attested{}
	}
	return attested{w.attestations.ByAccount[accountID], true}
}

// attestedNow reads what the product attests of one account.
func (a *Asker) attestedNow(ctx context.Context, accountID string) attested {
	if a.Attestor == nil {
		return attested{}
	}
	all, err := a.Attestor.Attestations(ctx, []string{accountID})
	if err != nil {
		a.Log.Warn("attestations not read", "account", accountID, "err", err)
		return attested{}
	}
	return attested{all.ByAccount[accountID], true}
}
