package cli

import (
	"context"
	"encoding/json"

	"mailaudit/cmd/mailaudit/app"
)

type ExplainCmd struct {
	Account string `arg:"" name:"account_id" help:"The account."`
	Format  string `enum:"text,json" default:"text" help:"text or json."`
}

func (k ExplainCmd) Run(ctx context.Context, a *app.App) error {
	r, err := a.Explain(ctx, k.Account)
	if err != nil {
		return err
	}
	if k.Format == "json" {
		enc := json.NewEncoder(a.Env.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.Write(a.Env.Stdout)
}
