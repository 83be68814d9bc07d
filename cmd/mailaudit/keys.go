package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"mailaudit/audit"
	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
)

type keysCmd struct {
	New    keysNewCmd    `cmd:"" help:"Make a keyset, and a fingerprint key beside it. Never overwrites."`
	Rotate keysRotateCmd `cmd:"" help:"Add a primary key; old secrets still open. Leaves FILE.old."`
	Status keysStatusCmd `cmd:"" help:"List a keyset's keys without their material, and how many stored secrets need each."`
	Reseal keysResealCmd `cmd:"" help:"Seal anew, by the primary key, what older keys have sealed."`

	Destroy keysDestroyCmd `cmd:"" help:"Take an old key out of the keyset, if no stored secret needs it."`
}

type keysNewCmd struct {
	Out string `required:"" placeholder:"FILE" help:"Where the keyset goes."`
}

func (k keysNewCmd) Run(around *surroundingsOf) error {
	prints, err := seal.Create(k.Out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(around.stdout, "keyset %s and fingerprint key %s are made. Keep a copy of both apart from the database: without the keyset the stored secrets are lost.\n", k.Out, prints)
	return err
}

type keysRotateCmd struct {
	File string `arg:"" help:"The keyset file."`
}

func (k keysRotateCmd) Run(around *surroundingsOf) error {
	id, err := seal.Rotate(k.File)
	if err != nil {
		return keysetFault(err)
	}
	_, err = fmt.Fprintf(around.stdout, "key %d seals from now on; the older keys still open. The former keyset is %s.old.\n", id, k.File)
	return err
}

type keysStatusCmd struct {
	File string `arg:"" optional:"" help:"The keyset file; default: the configured one."`
}

func (k keysStatusCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	if k.File != "" {
		keyset, err := loadKeyset("file:"+k.File, around.lookupEnv, g.logger(around.stderr))
		if err != nil {
			return err
		}
		return listKeys(around.stdout, keyset, nil)
	}
	s, err := newSetup(g, around)
	if err != nil {
		return err
	}
	keyset, err := s.keyset()
	if err != nil {
		return err
	}
	needed, err := s.countSealed(ctx, keyset)
	if err != nil {
		s.log.Warn("the stored secrets are not counted", "err", err)
	}
	return listKeys(around.stdout, keyset, needed)
}

// listKeys shows a keyset; needed is nil where nobody has counted.
func listKeys(out io.Writer, keyset *seal.Keyset, needed map[uint32]int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tSTATUS\tKIND\tSECRETS\t")
	for _, key := range keyset.Keys() {
		mark, count := "", "not counted"
		switch {
		case key.Primary:
			mark = "seals new secrets"
		case needed != nil && needed[key.ID] == 0:
			mark = "may be destroyed"
		}
		if needed != nil {
			count = strconv.Itoa(needed[key.ID])
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", key.ID, key.Status, key.Kind, count, mark)
	}
	return w.Flush()
}

// keys open and recognise secrets.
type keys interface {
	audit.Fingerprints
	open(accountID string, sealed []byte) (providers.Secret, error)
	seal(accountID string, s providers.Secret) ([]byte, error)
}

// keyring holds the keys that the configuration names.
type keyring struct {
	*seal.Fingerprinter
	sealer

	warnings []string // what is to be known of where the keys lie; they are logged already
}

// sealer opens and seals secrets: by our own keyset, or, where the product seals them, by its opener.
type sealer interface {
	open(accountID string, sealed []byte) (providers.Secret, error)
	seal(accountID string, s providers.Secret) ([]byte, error)
	Close() error
}

type ownSeal struct{ keyset *seal.Keyset }

func (o ownSeal) open(id string, sealed []byte) (providers.Secret, error) {
	return o.keyset.Open(id, sealed)
}
func (o ownSeal) seal(id string, s providers.Secret) ([]byte, error) { return o.keyset.Seal(id, s) }
func (o ownSeal) Close() error                                       { return nil }

type productSeal struct{ opener *seal.Opener }

var errProductSeals = errors.New("the product seals the secrets, and there is no keyset of ours")

func (p productSeal) open(id string, sealed []byte) (providers.Secret, error) {
	return p.opener.Open(id, sealed)
}
func (p productSeal) seal(string, providers.Secret) ([]byte, error) { return nil, errProductSeals }
func (p productSeal) Close() error                                  { return p.opener.Close() }

// openKeys loads the configured keys. What is wrong with them is a configuration error. The caller closes them.
func openKeys(c *config.Config, lookupEnv func(string) (string, bool), log *slog.Logger) (*keyring, error) {
	k := &keyring{}
	if c.ProductSeals() {
		opener, warnings, err := seal.NewOpener(c.Keyset.String(), seal.OpenerOptions{Env: c.OpenerEnvironment(os.Environ()), Log: log})
		if err != nil {
			return nil, usageError("keyset: %w", err)
		}
		k.sealer, k.warnings = productSeal{opener}, warnings
	} else {
		keyset, warnings, err := seal.LoadKeyset(c.Keyset.String(), lookupEnv)
		if err != nil {
			return nil, usageError("keyset: %w", err)
		}
		k.sealer, k.warnings = ownSeal{keyset}, warnings
	}
	prints, warnings, err := seal.LoadFingerprinter(c.FingerprintSource().String(), lookupEnv)
	if err != nil {
		return nil, errors.Join(usageError("fingerprint_key: %w", err), k.Close())
	}
	k.Fingerprinter, k.warnings = prints, append(k.warnings, warnings...)
	warn(log, k.warnings)
	return k, nil
}

// lazyKeys reads the configured keys when they are first used.
type lazyKeys struct {
	ring func() (*keyring, error)
	used atomic.Bool
}

func newLazyKeys(s *setup) *lazyKeys {
	l := &lazyKeys{}
	l.ring = sync.OnceValues(func() (*keyring, error) {
		l.used.Store(true)
		return openKeys(s.config, s.around.lookupEnv, s.log)
	})
	return l
}

func (l *lazyKeys) ready() error {
	_, err := l.ring()
	return err
}

func (l *lazyKeys) open(accountID string, sealed []byte) (providers.Secret, error) {
	ring, err := l.ring()
	if err != nil {
		return providers.Secret{}, err
	}
	return ring.open(accountID, sealed)
}

func (l *lazyKeys) seal(accountID string, s providers.Secret) ([]byte, error) {
	ring, err := l.ring()
	if err != nil {
		return nil, err
	}
	return ring.seal(accountID, s)
}

// Secret and Login panic where the keys cannot be read: an empty fingerprint would make all secrets one. No
// command comes here without keys: whoever asks wants them first, see [wants], and others have opened a secret.
func (l *lazyKeys) Secret(s providers.Secret) string { return l.prints().Secret(s) }
func (l *lazyKeys) Login(login string) string        { return l.prints().Login(login) }

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

// loadKeyset loads one keyset. What is wrong with it is a configuration error.
func loadKeyset(source string, lookupEnv func(string) (string, bool), log *slog.Logger) (*seal.Keyset, error) {
	keyset, warnings, err := seal.LoadKeyset(source, lookupEnv)
	if err != nil {
		return nil, usageError("keyset: %w", err)
	}
	warn(log, warnings)
	return keyset, nil
}

// keysetFault makes a usage error of a keyset file that is not there to be changed.
func keysetFault(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return usageError("%w; name the file that mailaudit keys new has made", err)
	}
	return err
}

func warn(log *slog.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn(w)
	}
}
