package ask

import (
	"context"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/gate"
	"mailaudit/providers"
)

const notOpened = "our own fault: the stored secret could not be opened"

// candidate readies one account; a reason tells why it cannot be asked.
func (w *Round) candidate(ctx context.Context, acc audit.Account) (Candidate, string) {
	c, reason := w.Asker.Candidate(ctx, acc, w.States[acc.ID], w.Sealed[acc.ID])
	c.shared = w.duplicates[c.Key.Login]
	c.attested = w.attestedOf(acc.ID)
	if c.flaw.Column != "" { // of its secret; its row's were told at planning
		w.trouble(ctx, audit.Trouble{
			What: "source: column " + c.flaw.Column + " " + c.flaw.What + "; these accounts are not checked and their customers are not notified",
			Fix:  "have the source hand out the secret itself, as the mail server takes it; account " + acc.ID + " is one",
		})
		return c, reason
	}
	if reason != "" && acc.Auth == audit.AuthOAuth2 && c.fingerprint != "" {
		if _, t := w.readyGrant(&c, nil); t.What != "" {
			w.trouble(ctx, t)
		}
	}
	return c, reason
}

// Candidate resolves an account, opens its secret and readies its grant; before is what is known of it. A reason says
// why the account cannot be asked; "" if it can.
func (a *Asker) Candidate(ctx context.Context, acc audit.Account, before audit.State, sealed []byte) (Candidate, string) {
	c := Candidate{Account: acc, before: before}
	if reason := acc.Flaw.Reason(); reason != "" {
		c.Target, _ = a.Resolve(ctx, acc) // for the report: its provider, if it can be told
		return c, reason
	}
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
	c.before = a.recognise(acc, secret, before)
	if c.before.AcceptedFingerprint != before.AcceptedFingerprint {
		c.renamed = c.before.AcceptedFingerprint
	}
	c.fingerprint = a.Fingerprints.Secret(acc.ID, secret)
	if c.fingerprint != c.before.AcceptedFingerprint { // what was accepted is a secret, whatever it looks like
		if c.flaw = gate.OfSecret(secret.Reveal()); c.flaw.Column != "" {
			return c, c.flaw.Reason()
		}
	}
	if acc.Auth == audit.AuthOAuth2 {
		if reason, _ := a.readyGrant(&c, sealed); reason != "" {
			return c, reason
		}
	}
	a.name(&c)
	return c, a.bind(ctx, &c)
}

// recognise gives what a state knows of the account's opened secret as it is made today: a released version made other
// fingerprints, and the product may have given the account another id.
func (a *Asker) recognise(acc audit.Account, secret providers.Secret, st audit.State) audit.State {
	st.Fingerprint = a.Fingerprints.Own(acc.ID, st.Fingerprint)
	st.Tried = a.Fingerprints.Own(acc.ID, st.Tried)
	if accepted := a.Fingerprints.Own(acc.ID, st.AcceptedFingerprint); accepted != st.AcceptedFingerprint {
		st.AcceptedFingerprint, st.Binding = accepted, "" // the released version that wrote it knew no binding
	}
	if st.FormerID == "" {
		return st
	}
	was, is := a.Fingerprints.Secret(st.FormerID, secret), a.Fingerprints.Secret(acc.ID, secret)
	for _, print := range []*string{&st.Fingerprint, &st.Tried, &st.AcceptedFingerprint} {
		if *print == was {
			*print = is
		}
	}
	former := acc
	former.ID = st.FormerID
	if to := BoundTo(st.Binding); to != "" && st.Binding == a.bindingOf(former, secret, to) {
		st.Binding = a.bindingOf(acc, secret, to)
	}
	return st
}

// IsSecret reports whether a fingerprint that the state stores is that of the account's opened secret, whichever version
// stored it, and under whichever id.
func IsSecret(f Fingerprints, st audit.State, accountID string, secret providers.Secret, stored string) bool {
	return f.Secret(accountID, secret) == f.Own(accountID, stored) || st.FormerID != "" && f.Secret(st.FormerID, secret) == stored
}

// name gives the candidate the names by which its attempts are counted and its answer is handed on.
func (a *Asker) name(c *Candidate) {
	box, sent := a.mailbox(c.Account, c.Target), c.sent()
	c.Key = a.attemptKey(*c, c.secret)
	c.tenantBox = a.Fingerprints.Name("mailbox of a tenant", box+"\x00"+c.Account.TenantID)
	e := c.Target.Endpoint
	c.Answer = a.Fingerprints.Name("login and secret", strings.Join([]string{e.String(), string(c.Account.Auth), c.Account.Login(), sent}, "\x00"))
}

// attemptKey is what conversations with a candidate's mailbox and a secret are counted by.
func (a *Asker) attemptKey(c Candidate, secret providers.Secret) audit.AttemptKey {
	box := a.mailbox(c.Account, c.Target)
	c.secret = secret
	return audit.AttemptKey{
		Login:  a.Fingerprints.Name("mailbox", box),
		Secret: a.Fingerprints.Name("mailbox and secret", box+"\x00"+c.sent()),
	}
}

func (a *Asker) mailbox(acc audit.Account, t Target) string {
	return audit.Mailbox(t.Provider, t.Endpoint.Host, acc.Login())
}

// sent is the secret as it goes over the wire.
func (c Candidate) sent() string {
	if c.grant != nil {
		return c.secret.Reveal()
	}
	return c.Target.Provider.Wire(c.secret.Reveal())
}

func baseResult(c Candidate, at time.Time) audit.Result {
	r := audit.Result{
		AccountID: c.Account.ID, TenantID: c.Account.TenantID, TenantName: c.Account.TenantName,
		Address: c.Account.Address, Provider: audit.ProviderOther, Fingerprint: c.fingerprint, AcceptedFingerprint: c.renamed, Binding: c.binding, At: at,
	}
	if c.Target.Provider != nil {
		r.Provider, r.Brand = c.Target.Provider.Name, c.Target.Brand.Name
	}
	if r.Provider == audit.ProviderOther {
		r.Host = c.Target.Endpoint.Host
	}
	return r
}

// Candidate is an account ready to be asked; its attempt is reserved later.
type Candidate struct {
	Account     audit.Account
	Target      Target
	before      audit.State // what was known of it
	secret      providers.Secret
	Key         audit.AttemptKey // its mailbox and secret
	Answer      string           // names endpoint, way of signing in, login and secret as sent: who has the same, has the same answer
	tenantBox   string           // names its mailbox among its tenant's
	shared      bool             // its mailbox is stored several times
	known       bool             // its secret was accepted before, with this login and at this destination
	binding     string           // see bind
	fingerprint string
	renamed     string // the accepted fingerprint that a released version stored, as it is made today; "" if it is already
	attested    attested
	day         string
	flaw        audit.Flaw // of its secret; it is not asked then
	grant       *grantCase // of an account that signs in by OAuth
}
