package ask

import (
	"context"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

const notOpened = "our own fault: the stored secret could not be opened"

// candidate readies one account; a reason tells why it cannot be asked.
func (w *Round) candidate(ctx context.Context, acc audit.Account) (Candidate, string) {
	c, reason := w.Asker.Candidate(ctx, acc, w.Sealed[acc.ID])
	if reason != "" && acc.Auth == audit.AuthOAuth2 && c.fingerprint != "" {
		if _, t := w.readyGrant(&c, nil); t.What != "" {
			w.trouble(ctx, t)
		}
	}
	return c, reason
}

// Candidate resolves an account, opens its secret and readies its grant. A reason says why the account cannot be asked; "" if it can.
func (a *Asker) Candidate(ctx context.Context, acc audit.Account, sealed []byte) (Candidate, string) {
	c := Candidate{Account: acc}
	target, err := a.Resolve(ctx, acc)
	if err != nil {
		return c, "the provider could not be found: " + err.Error()
	}
	c.Target = target
	if target.Endpoint.Host == "" {
		return c, "no mail server is stored, and none is known for this address"
	}
	secret, err := a.Open(acc.ID, sealed)
	if err != nil {
		a.Log.Error("secret not opened", "account", acc.ID, "err", err)
		return c, notOpened
	}
	if secret.Empty() {
		return c, "no secret is stored"
	}
	c.secret = secret
	c.fingerprint = a.Fingerprints.Secret(secret)
	c.Key = audit.AttemptKey{Login: a.Fingerprints.Login(target.Endpoint.Host + "\n" + acc.Login()), Secret: c.fingerprint}
	if acc.Auth == audit.AuthOAuth2 {
		reason, _ := a.readyGrant(&c, sealed)
		return c, reason
	}
	return c, ""
}

func baseResult(c Candidate, at time.Time) audit.Result {
	r := audit.Result{
		AccountID: c.Account.ID, TenantID: c.Account.TenantID, TenantName: c.Account.TenantName,
		Address: c.Account.Address, Provider: audit.ProviderOther, Fingerprint: c.fingerprint, At: at,
	}
	if c.Target.Provider != nil {
		r.Provider, r.Brand = c.Target.Provider.Name, c.Target.Brand.Name
	}
	if r.Provider == audit.ProviderOther {
		r.Host = c.Target.Endpoint.Host
	}
	return r
}

// Candidate is an account ready to be asked, its attempt reserved.
type Candidate struct {
	Account     audit.Account
	Target      Target
	secret      providers.Secret
	Key         audit.AttemptKey
	fingerprint string
	day         string
	grant       *grantCase // of an account that signs in by OAuth
}
