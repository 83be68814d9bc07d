package main

import (
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"

	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
)

type keysCmd struct {
	New    keysNewCmd    `cmd:"" help:"Make a keyset, and a fingerprint key beside it. Never overwrites."`
	Rotate keysRotateCmd `cmd:"" help:"Add a primary key; old secrets still open. Leaves FILE.old."`
	Status keysStatusCmd `cmd:"" help:"List a keyset's keys without their material."`
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
		return err
	}
	_, err = fmt.Fprintf(around.stdout, "key %d seals from now on; the older keys still open. The former keyset is %s.old.\n", id, k.File)
	return err
}

type keysStatusCmd struct {
	File string `arg:"" optional:"" help:"The keyset file; default: the configured one."`
}

func (k keysStatusCmd) Run(g *Globals, around *surroundingsOf) error {
	source := "file:" + k.File
	if k.File == "" {
		c, err := config.Load(g.Config, around.lookupEnv)
		if err != nil {
			return err
		}
		if c.ProductSeals() {
			return usageError("keyset is %s: the product seals the secrets, and there is no keyset of ours; name a FILE", c.Keyset.Kind)
		}
		source = c.Keyset.String()
	}
	keyset, warnings, err := seal.LoadKeyset(source, around.lookupEnv)
	if err != nil {
		return err
	}
	warn(g.logger(around.stderr), warnings)
	w := tabwriter.NewWriter(around.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tSTATUS\tKIND\t")
	for _, key := range keyset.Keys() {
		mark := ""
		if key.Primary {
			mark = "seals new secrets"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", key.ID, key.Status, key.Kind, mark)
	}
	return w.Flush()
}

// keyring holds the keys of one command.
type keyring struct {
	*seal.Fingerprinter
	keyset *seal.Keyset // nil where the product seals its secrets itself
	opener *seal.Opener // then this opens them
}

// openKeys loads the configured keys. What is wrong with them is a configuration error. The caller closes them.
func openKeys(c *config.Config, lookupEnv func(string) (string, bool), log *slog.Logger) (*keyring, error) {
	k := &keyring{}
	var warnings []string
	var err error
	if c.ProductSeals() {
		k.opener, warnings, err = seal.NewOpener(c.Keyset.String(), seal.OpenerOptions{Env: c.OpenerEnvironment(os.Environ()), Log: log})
	} else {
		k.keyset, warnings, err = seal.LoadKeyset(c.Keyset.String(), lookupEnv)
	}
	if err != nil {
		return nil, usageError("keyset: %w", err)
	}
	warn(log, warnings)
	if k.Fingerprinter, warnings, err = seal.LoadFingerprinter(c.FingerprintSource().String(), lookupEnv); err != nil {
		k.Close()
		return nil, usageError("fingerprint_key: %w", err)
	}
	warn(log, warnings)
	return k, nil
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
