package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/report"
)

// keys open and recognise secrets.
type keys interface {
	ask.Fingerprints
	Open(accountID string, sealed []byte) (providers.Secret, error)
	Seal(accountID string, s providers.Secret) ([]byte, error)
}

// Keyring holds the keys that the configuration names.
type Keyring struct {
	*seal.Fingerprinter
	sealer

	Warnings []string // what is to be known of where the keys lie; they are logged already
}

// sealer opens and seals secrets: by our own keyset, or, where the product seals them, by its opener.
type sealer interface {
	Open(accountID string, sealed []byte) (providers.Secret, error)
	Seal(accountID string, s providers.Secret) ([]byte, error)
	Close() error
}

type ownSeal struct{ keyset *seal.Keyset }

func (o ownSeal) Open(id string, sealed []byte) (providers.Secret, error) {
	return o.keyset.Open(id, sealed)
}
func (o ownSeal) Seal(id string, s providers.Secret) ([]byte, error) { return o.keyset.Seal(id, s) }
func (o ownSeal) Close() error                                       { return nil }

type productSeal struct{ opener *seal.Opener }

var errProductSeals = errors.New("the product seals the secrets, and there is no keyset of ours")

func (p productSeal) Open(id string, sealed []byte) (providers.Secret, error) {
	return p.opener.Open(id, sealed)
}
func (p productSeal) Seal(string, providers.Secret) ([]byte, error) { return nil, errProductSeals }
func (p productSeal) Close() error                                  { return p.opener.Close() }

// OpenKeys loads the configured keys. What is wrong with them is a configuration error. The caller closes them.
func OpenKeys(c *config.Config, lookupEnv func(string) (string, bool), log *slog.Logger) (*Keyring, error) {
	k := &Keyring{}
	if c.ProductSeals() {
		opener, warnings, err := seal.NewOpener(c.Keyset.String(), seal.OpenerOptions{Env: c.OpenerEnvironment(os.Environ()), Log: log})
		if err != nil {
			return nil, exit.Usagef("keyset: %w", err)
		}
		k.sealer, k.Warnings = productSeal{opener}, warnings
	} else {
		keyset, warnings, err := seal.LoadKeyset(c.Keyset.String(), lookupEnv)
		if err != nil {
			return nil, exit.Usagef("keyset: %w", err)
		}
		k.sealer, k.Warnings = ownSeal{keyset}, warnings
	}
	prints, warnings, err := seal.LoadFingerprinter(c.FingerprintSource().String(), lookupEnv)
	if err != nil {
		return nil, errors.Join(exit.Usagef("fingerprint_key: %w", err), k.Close())
	}
	k.Fingerprinter, k.Warnings = prints, append(k.Warnings, warnings...)
	if exposed := c.Exposed(); exposed != "" {
		k.Warnings = append(k.Warnings, exposed)
	}
	warn(log, k.Warnings)
	return k, nil
}

// lazyKeys reads the configured keys when they are first used.
type lazyKeys struct {
	ring func() (*Keyring, error)
	used atomic.Bool
}

func newLazyKeys(s *Setup) *lazyKeys {
	l := &lazyKeys{}
	l.ring = sync.OnceValues(func() (*Keyring, error) {
		l.used.Store(true)
		return OpenKeys(s.Config, s.Env.LookupEnv, s.Log)
	})
	return l
}

func (l *lazyKeys) ready() error {
	_, err := l.ring()
	return err
}

func (l *lazyKeys) Open(accountID string, sealed []byte) (providers.Secret, error) {
	ring, err := l.ring()
	if err != nil {
		return providers.Secret{}, err
	}
	return ring.Open(accountID, sealed)
}

func (l *lazyKeys) Seal(accountID string, s providers.Secret) ([]byte, error) {
	ring, err := l.ring()
	if err != nil {
		return nil, err
	}
	return ring.Seal(accountID, s)
}

// Fingerprints and names panic where the keys cannot be read: an empty fingerprint would make all secrets one. No
// command comes here without keys: whoever asks wants them first, see [Wants], and others have opened a secret.
func (l *lazyKeys) Secret(id string, s providers.Secret) string { return l.prints().Secret(id, s) }
func (l *lazyKeys) Released(s providers.Secret) string          { return l.prints().Released(s) }
func (l *lazyKeys) Own(id, stored string) string                { return l.prints().Own(id, stored) }
func (l *lazyKeys) Name(kind, value string) string              { return l.prints().Name(kind, value) }

func (l *lazyKeys) prints() *seal.Fingerprinter {
	ring, err := l.ring()
	if err != nil {
		panic("a fingerprint is asked for without keys: " + err.Error())
	}
	return ring.Fingerprinter
}

func (l *lazyKeys) Close() error {
	if !l.used.Load() {
		return nil
	}
	ring, err := l.ring()
	if err != nil {
		return nil
	}
	return ring.Close()
}

// LoadKeyset loads one keyset. What is wrong with it is a configuration error.
func LoadKeyset(source string, lookupEnv func(string) (string, bool), log *slog.Logger) (*seal.Keyset, error) {
	keyset, warnings, err := seal.LoadKeyset(source, lookupEnv)
	if err != nil {
		return nil, exit.Usagef("keyset: %w", err)
	}
	warn(log, warnings)
	return keyset, nil
}

func warn(log *slog.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn(w)
	}
}

// Keyset is the configured one, where we seal ourselves.
func (s *Setup) Keyset() (*seal.Keyset, error) {
	if s.Config.ProductSeals() {
		return nil, exit.Usagef("keyset is %s: the product seals the secrets, and there is no keyset of ours; name a FILE", s.Config.Keyset.Kind)
	}
	return LoadKeyset(s.Config.Keyset.String(), s.Env.LookupEnv, s.Log)
}

// sealedPage is how many secrets are read at a time.
const sealedPage = 1000

// EachSealed calls f with every stored secret.
func EachSealed(ctx context.Context, source audit.Accounts, f func(accountID string, sealed []byte) error) error {
	for after := ""; ; {
		page, err := source.AccountsAfter(ctx, after, sealedPage, "")
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID
		ids := make([]string, len(page))
		for i, a := range page {
			ids[i] = a.ID
		}
		all, err := source.SealedSecrets(ctx, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if sealed := all[id]; len(sealed) > 0 {
				if err := f(id, sealed); err != nil {
					return err
				}
			}
		}
	}
}

// CountSealed tells by key how many stored secrets need it.
func (s *Setup) CountSealed(ctx context.Context, keyset *seal.Keyset) (map[uint32]int, error) {
	a, err := s.Open(ctx, Wants{})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	needed := map[uint32]int{}
	err = EachSealed(ctx, a.Source, func(id string, sealed []byte) error {
		key, ok := keyset.KeyOf(sealed)
		if !ok {
			return fmt.Errorf("what is stored for account %s does not tell its key", report.Plain(id))
		}
		needed[key]++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return needed, nil
}
