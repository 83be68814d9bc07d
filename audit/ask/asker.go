// Package ask asks providers about single accounts: it opens the secret, reserves the attempt, holds the conversation,
// renews OAuth grants, and judges the answer. [Asker] serves whoever asks outside a run, [Round] one batch of a run,
// where duplicate logins, shared hosts and refused OAuth clients are known.
//
// It may spend attempts and store renewed grants. It must never send a credential that it has no attempt for, settle a
// finding, or write a notice.
package ask

import (
	"context"
	"log/slog"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/persist"
	"mailaudit/providers"
)

// Asker asks accounts. It may be used by any number of goroutines at once.
type Asker struct {
	Accounts audit.Accounts
	Ledger   Ledger
	Aside    *aside.Keeper
	Attestor Attestor        // nil: the product attests nothing
	Heard    *persist.Writer // writes what was heard; nil tries once

	// Resolve finds an account's provider; its error means that nothing can be said tonight.
	Resolve func(ctx context.Context, a audit.Account) (Target, error)
	// Leads reports whether a login itself leads to a host, by its domain or mail exchangers. May be nil: none does.
	Leads func(ctx context.Context, login, host string) (bool, error)
	// Open opens a sealed secret.
	Open         func(accountID string, sealed []byte) (providers.Secret, error)
	Fingerprints Fingerprints
	// Seal seals a secret; Grants stores a sealed refresh token, and is nil where the source is read only.
	Seal   func(accountID string, s providers.Secret) ([]byte, error)
	Grants audit.Grants
	// Client is the OAuth client that serves a provider's brand; false where none is configured. May be nil.
	Client func(p *providers.Provider, b *providers.Brand) (providers.Client, bool)
	// Converse holds one conversation, at the pace that the provider bears.
	Converse func(ctx context.Context, provider string, a providers.Attempt) providers.Conversation

	Policy audit.Policy
	Now    func() time.Time
	Log    *slog.Logger

	hosts    Keyed[string, hostCount]
	known    runDuplicates
	controls Keyed[Service, control]
}

// Target is where and by whose rules an account is asked.
type Target struct {
	Provider *providers.Provider
	Brand    *providers.Brand
	Endpoint providers.Endpoint
	Foreign  bool // the customer stored a host that is no provider's own
	// Owner is the provider whose own domain the login or the address is of; nil if it is nobody's.
	Owner *providers.Provider
}

// Fingerprints recognise secrets and mailboxes again without keeping them.
type Fingerprints interface {
	// Secret is the fingerprint of an account's secret; equal secrets of two accounts have different ones.
	Secret(accountID string, s providers.Secret) string
	// Released is the fingerprint that released versions made, and Own a stored one as Secret makes it today.
	Released(s providers.Secret) string
	Own(accountID, stored string) string
	// Name stands for a value of a kind, such as a mailbox.
	Name(kind, value string) string
}
