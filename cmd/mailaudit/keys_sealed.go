package main

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/audit"
	"mailaudit/audit/seal"
	"mailaudit/report"
)

// keyset is the configured one, where we seal ourselves.
func (s *setup) keyset() (*seal.Keyset, error) {
	if s.config.ProductSeals() {
		return nil, usageError("keyset is %s: the product seals the secrets, and there is no keyset of ours; name a FILE", s.config.Keyset.Kind)
	}
	return loadKeyset(s.config.Keyset.String(), s.around.lookupEnv, s.log)
}

// sealedPage is how many secrets are read at a time.
const sealedPage = 1000

// eachSealed calls f with every stored secret.
func eachSealed(ctx context.Context, source audit.Accounts, f func(accountID string, sealed []byte) error) error {
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

// countSealed tells by key how many stored secrets need it.
func (s *setup) countSealed(ctx context.Context, keyset *seal.Keyset) (map[uint32]int, error) {
	a, err := s.open(ctx, wants{})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	needed := map[uint32]int{}
	err = eachSealed(ctx, a.source, func(id string, sealed []byte) error {
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

type keysResealCmd struct{}

func (keysResealCmd) wants() wants { return wants{keys: true} }

// Run may be interrupted and run again, beside a night too: a secret that changes meanwhile is left as it then is,
// and so is one that the keyset does not open, which keeps no other from its new key.
func (keysResealCmd) Run(ctx context.Context, a *app) error {
	keyset, err := a.keyset()
	if err != nil {
		return err
	}
	if err := a.ownTable("keys reseal"); err != nil {
		return err
	}
	done, closed := 0, 0
	err = eachSealed(ctx, a.store, func(id string, sealed []byte) error {
		if key, ok := keyset.KeyOf(sealed); ok && key == keyset.Primary() {
			return nil
		}
		secret, err := keyset.Open(id, sealed)
		if err != nil {
			closed++
			a.log.Error("secret left as it is", "err", err)
			return nil
		}
		anew, err := keyset.Seal(id, secret)
		if err != nil {
			return err
		}
		same := a.keys.Secret(secret) // the secret itself is no other, and what is known of it stays
		err = a.store.ReplaceSecret(ctx, audit.Renewal{AccountID: id, Old: sealed, New: anew, OldPrint: same, NewPrint: same})
		switch {
		case err == nil:
			done++
		case errors.Is(err, audit.ErrMoved), errors.Is(err, audit.ErrNoAccount):
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s sealed anew, then: %w", howMany(done, "secret"), err)
	}
	if _, err := fmt.Fprintf(a.around.stdout, "%s sealed anew by key %d\n", howMany(done, "secret"), keyset.Primary()); err != nil {
		return err
	}
	if closed > 0 {
		return fmt.Errorf("%s not opened by the keyset; the log names the accounts: import them again, or remove them", report.Number(closed, "secret was", "secrets were"))
	}
	return nil
}

type keysDestroyCmd struct {
	Key  uint32 `arg:"" help:"The key's number, as keys status shows it."`
	File string `arg:"" optional:"" help:"The keyset file to change; default: the configured one. The secrets that are counted are those of the configured database."`
}

func (k keysDestroyCmd) Run(ctx context.Context, s *setup) error {
	keyset, err := s.keyset()
	if err != nil {
		return err
	}
	file := k.File
	if file == "" {
		if s.config.Keyset.Kind != "file" {
			return usageError("keyset is %s, which cannot be changed from here; name the FILE that it is made from", s.config.Keyset.Kind)
		}
		file = s.config.Keyset.Value
	}
	needed, err := s.countSealed(ctx, keyset)
	if err != nil {
		return fmt.Errorf("destroy key %d: whether a secret needs it cannot be seen: %w", k.Key, err)
	}
	if n := needed[k.Key]; n > 0 {
		return fmt.Errorf("destroy key %d: %s still sealed by it; mailaudit keys reseal seals them anew", k.Key, report.Number(n, "secret is", "secrets are"))
	}
	if err := seal.Destroy(file, k.Key); err != nil {
		return keysetFault(err)
	}
	_, err = fmt.Fprintf(s.around.stdout, "key %d is out of %s. Copies of the keyset still have it, %s.old among them, and backups of the database may need it.\n", k.Key, file, file)
	return err
}
