package cli

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/audit"
	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

type keysResealCmd struct{}

func (keysResealCmd) wants() app.Wants { return app.Wants{Keys: true} }

// Run may be interrupted and run again, beside a night too: a secret that changes meanwhile is left as it then is,
// and so is one that the keyset does not open, which keeps no other from its new key.
func (keysResealCmd) Run(ctx context.Context, a *app.App) error {
	keyset, err := a.Keyset()
	if err != nil {
		return err
	}
	if err := a.OwnTable("keys reseal"); err != nil {
		return err
	}
	done, closed := 0, 0
	err = app.EachSealed(ctx, a.Store, func(id string, sealed []byte) error {
		if keyset.Current(id, sealed) {
			return nil
		}
		secret, err := keyset.Open(id, sealed)
		if err != nil {
			closed++
			a.Log.Error("secret left as it is", "err", err)
			return nil
		}
		anew, err := keyset.Seal(id, secret)
		if err != nil {
			return err
		}
		same := a.Keys.Secret(id, secret) // the secret itself is no other, and what is known of it stays
		err = a.Store.ReplaceSecret(ctx, audit.Renewal{AccountID: id, Old: sealed, New: anew, OldFingerprint: same, NewFingerprint: same})
		switch {
		case err == nil:
			done++
		case errors.Is(err, audit.ErrMoved), errors.Is(err, audit.ErrNoAccount):
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s sealed anew, then: %w", app.HowMany(done, "secret"), err)
	}
	if _, err := fmt.Fprintf(a.Env.Stdout, "%s sealed anew by key %d\n", app.HowMany(done, "secret"), keyset.Primary()); err != nil {
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

func (k keysDestroyCmd) Run(ctx context.Context, s *app.Setup) error {
	keyset, err := s.Keyset()
	if err != nil {
		return err
	}
	file := k.File
	if file == "" {
		if s.Config.Keyset.Kind != "file" {
			return exit.Usagef("keyset is %s, which cannot be changed from here; name the FILE that it is made from", s.Config.Keyset.Kind)
		}
		file = s.Config.Keyset.Value
	}
	needed, err := s.CountSealed(ctx, keyset)
	if err != nil {
		return fmt.Errorf("destroy key %d: whether a secret needs it cannot be seen: %w", k.Key, err)
	}
	if n := needed[k.Key]; n > 0 {
		return fmt.Errorf("destroy key %d: %s still sealed by it; mailaudit keys reseal seals them anew", k.Key, report.Number(n, "secret is", "secrets are"))
	}
	if err := seal.Destroy(file, k.Key); err != nil {
		return keysetFault(err)
	}
	_, err = fmt.Fprintf(s.Env.Stdout, "key %d is out of %s. Copies of the keyset still have it, %s.old among them, and backups of the database may need it.\n", k.Key, file, file)
	return err
}
