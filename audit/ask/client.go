package ask

import (
	"context"
	"slices"
	"sync"

	"mailaudit/audit"
	"mailaudit/providers"
)

// clientStore is what this file needs of the store. The contracts are in package audit.
type clientStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}

// A provider that refuses our OAuth client refuses every mailbox that signs in through it. That is one alarm and
// no finding, and its token endpoint is asked no more tonight: the answer would be the same, and a provider may
// take it for an attack.

const clientFact = "oauth-client/"

// refusedInARow is how many accounts in a row must meet a refusal of our side that does not name the client
// before it is held to be meant for all of them: it may be about a directory that does not know us.
const refusedInARow = 5

// namesClient reports whether an answer of a token endpoint is about our client whatever the grant: RFC 6749
// section 5.2, and the names that Google has for a client that was deleted or switched off.
func namesClient(r providers.Reply) bool {
	return slices.Contains([]string{"invalid_client", "deleted_client", "disabled_client"}, r.OAuthError)
}

// clientWatch is what a batch knows of the OAuth clients that serve its accounts.
type clientWatch struct {
	mu      sync.Mutex
	refused map[string]string // by key of the configuration: what was said
	inARow  map[string]int
}

// WatchClients takes over what earlier batches of the run have met.
func (w *Round) WatchClients(ctx context.Context) error {
	facts, err := w.Ledger.Facts(ctx, w.Run.Key, clientFact)
	if err != nil {
		return err
	}
	w.clients.refused, w.clients.inARow = map[string]string{}, map[string]int{}
	for name, said := range facts {
		w.clients.refused[name[len(clientFact):]] = said
	}
	return nil
}

// clientRefused gives why an account's OAuth client is not tried any more tonight; "" if it is.
func (w *Round) clientRefused(c Candidate) string {
	if c.grant == nil {
		return ""
	}
	w.clients.mu.Lock()
	defer w.clients.mu.Unlock()
	if said := w.clients.refused[clientKey(c.Target.Provider, c.Target.Brand)]; said != "" {
		return "our own fault: " + clientTitle(c.Target.Provider, c.Target.Brand) + " refuses our OAuth client: " + said
	}
	return ""
}

// watchGrant notes as our own trouble what a conversation by OAuth says about our side.
func (w *Round) watchGrant(ctx context.Context, c Candidate, conv providers.Conversation, reading providers.Reading) {
	if c.grant == nil {
		return
	}
	p, brand := c.Target.Provider, c.Target.Brand
	title, key := clientTitle(p, brand), clientKey(p, brand)
	answered := conv.Fault == providers.FaultNone && conv.Reply.Stage == providers.StageOAuthToken
	switch {
	case answered && reading.Class == providers.ClientRefused:
		w.trouble(ctx, audit.Trouble{
			What: title + " refuses our OAuth client",
			Fix:  "check " + key + " (client_id, client_secret, secret_expires) and the registration there; mailaudit check " + c.Account.ID + " shows what it says (" + reading.Rule + "). No customer is told anything of it",
		})
		w.refuseClient(ctx, key, conv.Reply)
		return
	case reading.Class == providers.ClientRefused && conv.Fault == providers.FaultNone:
		w.trouble(ctx, audit.Trouble{
			What: title + "'s mail server does not take the access tokens that our OAuth client is issued",
			Fix:  "check the scopes of the consent, and that the grant belongs to the mailbox; mailaudit check " + c.Account.ID + " shows what it says (" + reading.Rule + ")",
		})
	case conv.Fault == providers.FaultOurs && conv.Stage == providers.StageOAuthToken:
		w.trouble(ctx, audit.Trouble{What: "mailboxes at " + title + " cannot be asked by OAuth: " + conv.Detail, Fix: "see the log; account " + c.Account.ID + " is one"})
		if conv.CredentialSent { // each more refresh token that is handed in may be used up, and its successor lost
			w.stopClient(ctx, key, conv.Detail)
			return
		}
	case c.grant.unkept && p.Rotation == providers.RotationNone:
		w.trouble(ctx, audit.Trouble{
			What: title + " has issued new refresh tokens, which it was not known to do, and the accounts are read only",
			Fix:  "what it has issued is lost; see whether the stored ones still work, account " + c.Account.ID + " for one",
		})
	}
	if conv.CredentialSent {
		w.clients.mu.Lock()
		w.clients.inARow[key] = 0
		w.clients.mu.Unlock()
	}
}

// refuse counts a refusal, and reports whether the client is to be tried no more from now on.
func (c *clientWatch) refuse(key, said string, named bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inARow[key]++
	if c.refused[key] != "" || !named && c.inARow[key] < refusedInARow {
		return false
	}
	c.refused[key] = said
	return true
}

func (w *Round) refuseClient(ctx context.Context, key string, r providers.Reply) {
	if said := r.Evidence(); w.clients.refuse(key, said, namesClient(r)) {
		w.Log.Error("the token endpoint is asked no more in this run: our client is refused", "run", w.Run.Key, "client", key, "reply", said)
		w.noteClient(ctx, key, said)
	}
}

// stopClient has the token endpoint asked no more in this run, for what it says is not understood.
func (w *Round) stopClient(ctx context.Context, key, why string) {
	if w.clients.refuse(key, why, true) {
		w.Log.Error("the token endpoint is asked no more in this run: its answer is not understood", "run", w.Run.Key, "client", key, "why", why)
		w.noteClient(ctx, key, why)
	}
}

func (w *Round) noteClient(ctx context.Context, key, said string) {
	if _, err := w.Ledger.KeepFact(context.WithoutCancel(ctx), w.Run.Key, clientFact+key, said); err != nil {
		w.Log.Error("refused client not noted", "run", w.Run.Key, "client", key, "err", err)
	}
}
