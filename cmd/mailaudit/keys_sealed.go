package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"mailaudit/audit"
	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/report"
)

// configuredKeyset is the keyset of the configuration, where we seal ourselves.
func configuredKeyset(g *Globals, around *surroundingsOf) (*config.Config, *seal.Keyset, error) {
	c, err := config.Load(g.Config, around.lookupEnv)
	if err != nil {
		return nil, nil, err
	}
	if c.ProductSeals() {
		return nil, nil, usageError("keyset is %s: the product seals the secrets, and there is no keyset of ours; name a FILE", c.Keyset.Kind)
	}
	keyset, err := loadKeyset(c.Keyset.String(), around.lookupEnv, g.logger(around.stderr))
	return c, keyset, err
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
func countSealed(ctx context.Context, c *config.Config, keyset *seal.Keyset, log *slog.Logger) (map[uint32]int, error) {
	store, err := openStore(ctx, c, existing, log)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	source, closeSource, err := openSource(ctx, c, store)
	if err != nil {
		return nil, err
	}
	defer closeSource()
	needed := map[uint32]int{}
	err = eachSealed(ctx, source, func(id string, sealed []byte) error {
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

// Run may be interrupted and run again, beside a night too: a secret that changes meanwhile is left as it then is,
// and so is one that the keyset does not open, which keeps no other from its new key.
func (keysResealCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	c, keyset, err := configuredKeyset(g, around)
	if err != nil {
		return err
	}
	if err := ownTable(c, "keys reseal"); err != nil {
		return err
	}
	log := g.logger(around.stderr)
	keys, err := openKeys(c, around.lookupEnv, log)
	if err != nil {
		return err
	}
	defer keys.Close()
	store, err := openStore(ctx, c, existing, log)
	if err != nil {
		return err
	}
	defer store.Close()
	done, closed := 0, 0
	err = eachSealed(ctx, store, func(id string, sealed []byte) error {
		if key, ok := keyset.KeyOf(sealed); ok && key == keyset.Primary() {
			return nil
		}
		secret, err := keyset.Open(id, sealed)
		if err != nil {
			closed++
			log.Error("secret left as it is", "err", err)
			return nil
		}
		anew, err := keyset.Seal(id, secret)
		if err != nil {
			return err
		}
		same := keys.Secret(secret) // the secret itself is no other, and what is known of it stays
		err = store.ReplaceSecret(ctx, audit.Renewal{AccountID: id, Old: sealed, New: anew, OldPrint: same, NewPrint: same})
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
	if _, err := fmt.Fprintf(around.stdout, "%s sealed anew by key %d\n", howMany(done, "secret"), keyset.Primary()); err != nil {
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

func (k keysDestroyCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	c, keyset, err := configuredKeyset(g, around)
	if err != nil {
		return err
	}
	file := k.File
	if file == "" {
		if c.Keyset.Kind != "file" {
			return usageError("keyset is %s, which cannot be changed from here; name the FILE that it is made from", c.Keyset.Kind)
		}
		file = c.Keyset.Value
	}
	needed, err := countSealed(ctx, c, keyset, g.logger(around.stderr))
	if err != nil {
		return fmt.Errorf("destroy key %d: whether a secret needs it cannot be seen: %w", k.Key, err)
	}
	if n := needed[k.Key]; n > 0 {
		return fmt.Errorf("destroy key %d: %s still sealed by it; mailaudit keys reseal seals them anew", k.Key, report.Number(n, "secret is", "secrets are"))
	}
	if err := seal.Destroy(file, k.Key); err != nil {
		return keysetFault(err)
	}
	_, err = fmt.Fprintf(around.stdout, "key %d is out of %s. Copies of the keyset still have it, %s.old among them, and backups of the database may need it.\n", k.Key, file, file)
	return err
}
