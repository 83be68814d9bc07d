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
	"text/tabwriter"

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
	c, keyset, err := configuredKeyset(g, around)
	if err != nil {
		return err
	}
	needed, err := countSealed(ctx, c, keyset, g.logger(around.stderr))
	if err != nil {
		g.logger(around.stderr).Warn("the stored secrets are not counted", "err", err)
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

// keyring holds the keys of one command.
type keyring struct {
	*seal.Fingerprinter
	keyset *seal.Keyset // nil where the product seals its secrets itself
	opener *seal.Opener // then this opens them

	warnings []string // what is to be known of where the keys lie; they are logged already
}

// openKeys loads the configured keys. What is wrong with them is a configuration error. The caller closes them.
func openKeys(c *config.Config, lookupEnv func(string) (string, bool), log *slog.Logger) (*keyring, error) {
	k := &keyring{}
	var ofFingerprints []string
	var err error
	if c.ProductSeals() {
		if k.opener, k.warnings, err = seal.NewOpener(c.Keyset.String(), seal.OpenerOptions{Env: c.OpenerEnvironment(os.Environ()), Log: log}); err != nil {
			return nil, usageError("keyset: %w", err)
		}
	} else if k.keyset, k.warnings, err = seal.LoadKeyset(c.Keyset.String(), lookupEnv); err != nil {
		return nil, usageError("keyset: %w", err)
	}
	if k.Fingerprinter, ofFingerprints, err = seal.LoadFingerprinter(c.FingerprintSource().String(), lookupEnv); err != nil {
		k.Close()
		return nil, usageError("fingerprint_key: %w", err)
	}
	k.warnings = append(k.warnings, ofFingerprints...)
	warn(log, k.warnings)
	return k, nil
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

func (k *keyring) open(accountID string, sealed []byte) (providers.Secret, error) {
	if k.opener != nil {
		return k.opener.Open(accountID, sealed)
	}
	return k.keyset.Open(accountID, sealed)
}

// Close may be called on commands' keyrings that were never opened.
func (k *keyring) Close() error {
	if k == nil || k.opener == nil {
		return nil
	}
	return k.opener.Close()
}

func warn(log *slog.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn(w)
	}
}
