package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"text/tabwriter"

	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
)

type keysCmd struct {
	New    keysNewCmd    `cmd:"" help:"Make a keyset and, beside it, a fingerprint key. Never overwrites."`
	Rotate keysRotateCmd `cmd:"" help:"Add a primary key; old secrets still open. Leaves FILE.old."`
	Status keysStatusCmd `cmd:"" help:"List a keyset's keys without their material, and how many stored secrets need each."`
	Reseal keysResealCmd `cmd:"" help:"Re-encrypt with the primary key what older keys have sealed."`

	Destroy keysDestroyCmd `cmd:"" help:"Remove an old key from the keyset, if no stored secret needs it."`
}

type keysNewCmd struct {
	Out     string `required:"" placeholder:"FILE" help:"The keyset file to make."`
	Signing bool   `help:"Make a key that signs evidence instead: FILE, and its public key FILE.pub."`
}

func (k keysNewCmd) Run(env *app.Env) error {
	if k.Signing {
		public, err := seal.CreateSigning(k.Out)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "signing key %s and public key %s are made. Set evidence.signing_key to file:%s, keep the signing key apart from the database, and give the public key to whoever checks evidence.\n", k.Out, public, k.Out)
		return err
	}
	prints, err := seal.Create(k.Out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "keyset %s and fingerprint key %s are made. Keep a copy of both apart from the database: without the keyset the stored secrets are lost.\n", k.Out, prints)
	return err
}

type keysRotateCmd struct {
	File string `arg:"" help:"The keyset file."`
}

func (k keysRotateCmd) Run(env *app.Env) error {
	if seal.IsSigning(k.File) {
		if err := seal.RotateSigning(k.File); err != nil {
			return keysetFault(err)
		}
		_, err := fmt.Fprintf(env.Stdout, "a new key signs from now on. %s holds its public key and the older ones: give it to whoever checks evidence. The former keyset is %s.old.\n", seal.PublicPath(k.File), k.File)
		return err
	}
	id, err := seal.Rotate(k.File)
	if err != nil {
		return keysetFault(err)
	}
	_, err = fmt.Fprintf(env.Stdout, "key %d seals from now on; the older keys still open. The former keyset is %s.old.\n", id, k.File)
	return err
}

type keysStatusCmd struct {
	File string `arg:"" optional:"" help:"The keyset file; default: the configured one."`
}

func (k keysStatusCmd) Run(ctx context.Context, g *app.Globals, env *app.Env) error {
	if k.File != "" {
		keyset, err := app.LoadKeyset("file:"+k.File, env.LookupEnv, g.Logger(env.Stderr))
		if err != nil {
			return err
		}
		return listKeys(env.Stdout, keyset, nil)
	}
	s, err := app.NewSetup(g, env)
	if err != nil {
		return err
	}
	keyset, err := s.Keyset()
	if err != nil {
		return err
	}
	needed, err := s.CountSealed(ctx, keyset)
	if err != nil {
		s.Log.Warn("the stored secrets are not counted", "err", err)
	}
	return listKeys(env.Stdout, keyset, needed)
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

// keysetFault makes a usage error of a keyset file that is not there to be changed.
func keysetFault(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return exit.Usagef("%w; name the file that mailaudit keys new has made", err)
	}
	return err
}
