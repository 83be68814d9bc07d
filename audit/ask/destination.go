package ask

import (
	"context"
	"fmt"
	"strings"

	"mailaudit/audit"
	"mailaudit/providers"
)

// destinationStore is what this file needs of the store. The contracts are in package audit.
type destinationStore interface {
	Setting(ctx context.Context, name string) (string, error)
	Bind(ctx context.Context, accountID, binding string) error
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// A secret that was accepted goes where it was accepted, and nowhere else: who can write the accounts' host column, and has
// no key, would else have us open each secret and hand it to a server of his. Free are the moves within one provider,
// those of a secret that was never accepted, for nobody knows that it opens anything, and those to the host that the login
// itself leads to. For any other an operator vouches.
//
// A binding is text: a keyed name of account, secret, login and destination, a space, and the destination. The name says
// that the destination was not written by another hand.

// destinationChanged begins the reason of an account whose secret stays here for where it would go.
const destinationChanged = "our own data: destination changed"

// Destination is where a target's secrets go: the provider, or the host and port of one that has no provider.
func (t Target) Destination() string {
	if t.Provider.Name == audit.ProviderOther || t.Foreign {
		return t.Endpoint.Address()
	}
	return t.Provider.Name
}

// BoundTo is the destination that a binding names.
func BoundTo(binding string) string {
	_, destination, _ := strings.Cut(binding, " ")
	return destination
}

func (a *Asker) bindingOf(acc audit.Account, secret providers.Secret, destination string) string {
	return a.Fingerprints.Name("destination", strings.Join([]string{
		acc.ID, secret.Reveal(), audit.FoldAddress(acc.Login()), destination}, "\x00")) + " " + destination
}

// bind compares where the candidate's secret goes with where it was accepted. It says why the secret must not go there; "" if
// it may, and then known tells whether it was accepted before at this very login and destination.
func (a *Asker) bind(ctx context.Context, c *Candidate) (why string) {
	destination := c.Target.Destination()
	c.binding = a.bindingOf(c.Account, c.secret, destination)
	c.known = c.acceptedBefore()
	if c.fingerprint == c.before.AcceptedFingerprint {
		if why = a.moved(ctx, c, destination); why != "" {
			return why
		}
	}
	if own := c.Target.Owner; own != nil && own != c.Target.Provider && !c.known {
		return fmt.Sprintf(destinationChanged+": a password for a mailbox of %s does not go to %s, which is not %s's", own.Title, destination, own.Title)
	}
	return ""
}

// moved says why a secret that was accepted must not go to its new destination; "" if it may, or if there is none.
func (a *Asker) moved(ctx context.Context, c *Candidate, destination string) (why string) {
	from := BoundTo(c.before.Binding)
	if from == "" { // accepted under a released version
		if was := c.before.Provider; was == "" || was == audit.ProviderOther || c.Target.Provider.Name != audit.ProviderOther {
			return ""
		}
		from = c.before.Provider
	}
	sameLogin := c.before.Binding == "" || c.before.Binding == a.bindingOf(c.Account, c.secret, from)
	if sameLogin && (from == destination || from == c.Target.Endpoint.Address()) {
		return "" // the second: the host was not known to be the provider's
	}
	c.known = false
	free, err := a.isFree(ctx, *c, sameLogin, from, destination)
	if err != nil {
		return "our own fault: whether its secret may go to another mail server could not be seen: " + err.Error()
	}
	switch {
	case free:
		return ""
	case from == destination:
		return destinationChanged + ": its accepted secret now goes to " + destination + " with another login"
	}
	return destinationChanged + ": its secret was accepted at " + from + " and now leads to " + destination
}

func (a *Asker) isFree(ctx context.Context, c Candidate, sameLogin bool, from, destination string) (bool, error) {
	if from == destination && destination == c.Target.Provider.Name {
		return true, nil
	}
	if sameLogin && a.Leads != nil {
		if leads, err := a.Leads(ctx, c.Account.Login(), c.Target.Endpoint.Host); leads || err != nil {
			return leads, err
		}
	}
	if from == destination {
		return false, nil // a vouched host is no vouched login
	}
	by, err := a.Ledger.Setting(ctx, audit.SettingVouchedHost+c.Target.Endpoint.Host)
	return by != "", err
}

// Vouch lets an account's secret go where it now leads, and returns that destination. It returns ErrNoAccount if no run has
// asked the account.
func (a *Asker) Vouch(ctx context.Context, id string) (destination string, err error) {
	accounts, err := a.Accounts.AccountsByID(ctx, []string{id})
	if err != nil {
		return "", err
	}
	states, err := a.Ledger.LoadStates(ctx, []string{id})
	if err != nil {
		return "", err
	}
	if len(accounts) == 0 || states[id].AccountID == "" {
		return "", fmt.Errorf("account %q: %w", id, audit.ErrNoAccount)
	}
	sealed, err := a.Accounts.SealedSecrets(ctx, []string{id})
	if err != nil {
		return "", err
	}
	target, err := a.Resolve(ctx, accounts[0])
	if err != nil {
		return "", err
	}
	if target.Endpoint.Host == "" {
		return "", fmt.Errorf("account %q: no mail server is stored, and none is known for its address", id)
	}
	destination = target.Destination()
	if own := target.Owner; own != nil && own != target.Provider {
		return "", fmt.Errorf("account %q: nobody can vouch for %s: a password for a mailbox of %s goes to %s alone", id, destination, own.Title, own.Title)
	}
	secret, err := a.Open(id, sealed[id])
	if err != nil {
		return "", fmt.Errorf("account %q: %s: %w", id, notOpened, err)
	}
	return destination, a.Ledger.Bind(ctx, id, a.bindingOf(accounts[0], secret, destination))
}
