package ask

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// grantCase is what becomes of an account's refresh token while the account is asked.
type grantCase struct {
	client      providers.Client
	sealed      []byte // as it was read, and then as it was stored
	fingerprint string // of the refresh token that is stored now
	rotated     bool   // a new refresh token came
	unkept      bool   // and could not be stored, since the source is read only
	newer       bool   // the refused one is not the stored one any more
}

// readyGrant completes the candidate of an account that signs in by OAuth. A reason tells why it cannot be
// asked; a trouble, why no account like it can.
func (a *Asker) readyGrant(c *Candidate, sealed []byte) (reason string, t audit.Trouble) {
	p, brand := c.Target.Provider, c.Target.Brand
	if len(p.OAuthMechanisms) == 0 {
		return p.Title + " takes no sign-in by OAuth at its mail servers, as far as is known", audit.Trouble{}
	}
	client, ok := a.client(p, brand)
	if !ok {
		t = audit.Trouble{
			What: "no OAuth client for " + clientTitle(p, brand) + " is configured",
			Fix:  "set " + clientKey(p, brand) + ".client_id; until then its mailboxes that sign in by OAuth are not verified",
		}
		return "our own fault: " + t.What, t
	}
	if a.Grants == nil && p.Rotation.Ends() {
		t = audit.Trouble{
			What: clientTitle(p, brand) + " may end a refresh token when it is used, and the accounts are read only",
			Fix:  "its mailboxes that sign in by OAuth are not verified, as that could cost their grants; let the product vouch for them by last_sent_ok_at",
		}
		return "not asked: " + t.What, t
	}
	c.grant = &grantCase{client: client, sealed: sealed, fingerprint: c.fingerprint}
	return "", audit.Trouble{}
}

func (a *Asker) client(p *providers.Provider, b *providers.Brand) (providers.Client, bool) {
	if a.Client == nil {
		return providers.Client{}, false
	}
	client, ok := a.Client(p, b)
	return client, ok && client.ID != "" && client.TokenURL != ""
}

// clientTitle and clientKey name the OAuth client that serves a brand: the provider's, or one of its own.
func clientTitle(p *providers.Provider, b *providers.Brand) string {
	if own, ok := p.Brand(b.OAuth); ok {
		return own.Title
	}
	return p.Title
}

func clientKey(p *providers.Provider, b *providers.Brand) string {
	key := "providers." + p.Name + ".oauth"
	if b.OAuth != "" {
		key += "." + b.OAuth
	}
	return key
}

// redeeming is the attempt's part for an account that signs in by OAuth.
func (a *Asker) redeeming(c Candidate) *providers.Grant {
	return &providers.Grant{
		Client: c.grant.client, Scopes: c.Target.Provider.Scopes,
		Keep: func(ctx context.Context, fresh providers.Secret) error { return a.keep(ctx, c, fresh) },
	}
}

// askByGrant asks as [Asker.Talk] does, by the account's refresh token.
func (a *Asker) askByGrant(ctx context.Context, c Candidate, attempt providers.Attempt) providers.Conversation {
	attempt.Mechanisms, attempt.Secret, attempt.Grant = c.Target.Provider.OAuthMechanisms, c.secret, a.redeeming(c)
	conv := a.Converse(ctx, c.Target.Provider.Name, attempt)
	a.overtaken(ctx, c, conv)
	return conv
}

// kind is what the candidate's secret probably is.
func (c Candidate) kind() providers.Kind {
	if c.grant != nil {
		return providers.KindGrant
	}
	return c.Target.Provider.KindOf(c.secret.Reveal())
}

// acceptedBefore reports whether the secret was accepted on an earlier night. Products renew their refresh tokens as
// they go, so of a grant it is enough that the account was accepted: no token is stored that never was one.
func (c Candidate) acceptedBefore() bool {
	if c.grant != nil {
		return c.before.AcceptedFingerprint != ""
	}
	return c.fingerprint != "" && c.before.AcceptedFingerprint == c.fingerprint
}

const (
	keepPause = 100 * time.Millisecond
	// renewalLag is how long a product may take to store what it was issued.
	renewalLag = time.Second
)

// keep seals and stores a new refresh token before anything else happens. From here on the old one may be dead.
func (a *Asker) keep(ctx context.Context, c Candidate, fresh providers.Secret) error {
	g := c.grant
	g.rotated = true
	if a.Grants == nil {
		g.unkept = true
		return nil
	}
	sealed, err := a.Seal(c.Account.ID, fresh)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	r := audit.Renewal{
		AccountID: c.Account.ID, Old: g.sealed, New: sealed, OldFingerprint: c.fingerprint, NewFingerprint: a.Fingerprints.Secret(c.Account.ID, fresh),
		Released: a.released(c), Binding: a.bindingOf(c.Account, fresh, c.Target.Destination()), Day: c.day, OldAttempt: c.Key, NewAttempt: a.attemptKey(c, fresh),
	}
	return a.Heard.Mark(ctx, "a renewed grant", func(ctx context.Context) error { return a.replace(ctx, c, &r) })
}

// released is the other fingerprint by which the candidate's state may know its secret.
func (a *Asker) released(c Candidate) string {
	if c.before.FormerID != "" {
		return a.Fingerprints.Secret(c.before.FormerID, c.secret)
	}
	return a.Fingerprints.Released(c.secret)
}

// replace puts a new refresh token in the place of the one that was redeemed, unless somebody else has put a newer one there.
func (a *Asker) replace(ctx context.Context, c Candidate, r *audit.Renewal) error {
	for {
		err := a.Grants.ReplaceSecret(ctx, *r)
		if errors.Is(err, audit.ErrMoved) {
			var again bool
			if again, err = a.yield(ctx, c, r); err == nil && again {
				continue
			}
			if err == nil {
				return nil
			}
		}
		switch {
		case err == nil:
			c.grant.sealed, c.grant.fingerprint = r.New, r.NewFingerprint
			return nil
		case errors.Is(err, audit.ErrNoAccount):
			return nil // whose grant it was is gone
		}
		return err
	}
}

// yield looks at what somebody else has stored meanwhile. again tells that it is the very token that was redeemed,
// sealed anew, and must give way; any other is newer than it, and stays: a product that refreshes at the same
// time, or a customer who connects again, knows better than an audit.
func (a *Asker) yield(ctx context.Context, c Candidate, r *audit.Renewal) (again bool, err error) {
	stored, secret, err := a.storedSecret(ctx, c.Account.ID)
	if err != nil {
		return false, err
	}
	if secret.Reveal() == c.secret.Reveal() {
		r.Old = stored
		return true, nil
	}
	c.grant.sealed, c.grant.fingerprint = stored, a.Fingerprints.Secret(c.Account.ID, secret)
	return false, nil
}

func (a *Asker) storedSecret(ctx context.Context, id string) ([]byte, providers.Secret, error) {
	all, err := a.Accounts.SealedSecrets(ctx, []string{id})
	if err != nil {
		return nil, providers.Secret{}, err
	}
	sealed, ok := all[id]
	if !ok {
		return nil, providers.Secret{}, audit.ErrNoAccount
	}
	secret, err := a.Open(id, sealed)
	return sealed, secret, err
}

// overtaken looks whether a refresh token that was refused is still the stored one: a product that refreshed at
// the same moment may have ended it.
func (a *Asker) overtaken(ctx context.Context, c Candidate, conv providers.Conversation) {
	if conv.Fault != providers.FaultNone || conv.Reply.Stage != providers.StageOAuthToken ||
		c.Target.Provider.Read(conv, false).Class != providers.CredentialRejected {
		return
	}
	for waited := time.Duration(0); ; waited += keepPause {
		_, secret, err := a.storedSecret(ctx, c.Account.ID)
		if err != nil {
			a.Log.Warn("a refused grant was not read again", "account", c.Account.ID, "err", err)
			return
		}
		if secret.Reveal() != c.secret.Reveal() {
			c.grant.newer = true
			return
		}
		if waited >= renewalLag || !c.Target.Provider.Rotation.Ends() {
			return
		}
		select {
		case <-time.After(keepPause):
		case <-ctx.Done():
			return
		}
	}
}

// settle puts what became of the refresh token into the account's result.
func (g *grantCase) settle(r *audit.Result) {
	r.Fingerprint = g.fingerprint
	if r.Class == providers.ClientRefused && r.Verdict == audit.Unverified && r.Reply != "" {
		r.Reason = "our own fault: what our OAuth client stands for is refused"
	}
	if g.newer {
		r.Judgement = audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
		r.Class, r.Retry = providers.Temporary, true
		r.Reason = "the grant was renewed by another program while it was asked"
	}
}
