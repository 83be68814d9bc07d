package cli

import (
	"os/user"
	"strings"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
)

// decider is who decides something that cannot be undone, and why. Both are kept.
type decider struct {
	By  string `required:"" placeholder:"WHO" help:"Who decides; recorded in the audit log."`
	Why string `placeholder:"TEXT" help:"Why; recorded in the audit log."`
}

func (d decider) check() error {
	if strings.TrimSpace(d.By) == "" {
		return exit.Usagef("--by is empty: say who decides this, it is kept")
	}
	return nil
}

// doer is who does something, by default whoever is logged in.
type doer struct {
	By  string `placeholder:"WHO" help:"Who does this; recorded in the audit log. Default: the login name."`
	Why string `placeholder:"TEXT" help:"Why; recorded in the audit log."`
}

func (d doer) who(env *app.Env) string {
	if by := strings.TrimSpace(d.By); by != "" {
		return by
	}
	if name, ok := env.LookupEnv("USER"); ok && name != "" {
		return name
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}
