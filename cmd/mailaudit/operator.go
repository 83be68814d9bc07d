package main

import (
	"context"
	"os/user"
	"strings"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/config"
)

// decider is who decides something that cannot be undone, and why. Both are kept.
type decider struct {
	By  string `required:"" placeholder:"WHO" help:"Who decides this; it is kept."`
	Why string `placeholder:"TEXT" help:"Why; it is kept."`
}

func (d decider) check() error {
	if strings.TrimSpace(d.By) == "" {
		return usageError("--by is empty: say who decides this, it is kept")
	}
	return nil
}

// doer is who does something, by default whoever is logged in.
type doer struct {
	By  string `placeholder:"WHO" help:"Who does this; it is kept. Default: the login name."`
	Why string `placeholder:"TEXT" help:"Why; it is kept."`
}

func (d doer) who(around *surroundingsOf) string {
	if by := strings.TrimSpace(d.By); by != "" {
		return by
	}
	if name, ok := around.lookupEnv("USER"); ok && name != "" {
		return name
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// openDesk wires an app for what operators decide. It needs no keys: mails can be stopped whatever is wrong
// with these.
func openDesk(ctx context.Context, g *Globals, around *surroundingsOf) (*app, error) {
	c, err := config.Load(g.Config, around.lookupEnv)
	if err != nil {
		return nil, err
	}
	a := &app{config: c, log: g.logger(around.stderr), around: around, now: around.clock()}
	if a.store, err = openStore(ctx, c, existing, a.log); err != nil {
		return nil, err
	}
	a.auditor = &audit.Auditor{Accounts: a.store, Ledger: a.store, Policy: a.policy(), Now: a.now, Log: a.log}
	return a, nil
}
