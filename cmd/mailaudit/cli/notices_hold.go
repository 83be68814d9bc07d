package cli

import (
	"context"
	"fmt"
	"io"

	"mailaudit/audit/operate"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
)

// ofHold names a hold by the run whose guard opened it, and its provider.
type ofHold struct {
	Key      string `name:"run" required:"" placeholder:"KEY" help:"The run whose guard held the e-mails."`
	Provider string `required:"" placeholder:"NAME" help:"The provider."`
}

type noticesReleaseCmd struct {
	ofHold
	Change string `placeholder:"ID" help:"Only those of this announced change; the others stay on hold."`
	decider
}

func (noticesReleaseCmd) wants() app.Wants { return app.Wants{Asks: true} }

func (k noticesReleaseCmd) Run(ctx context.Context, a *app.App) error {
	if err := a.CheckKeys(ctx); err != nil {
		return err
	}
	r, err := k.release(ctx, a)
	if err != nil {
		return err
	}
	a.TellDecision(ctx, k.Key)
	a.TellRelease(ctx, k.Key, k.Provider, k.By, r)
	return k.say(a.Env.Stdout, a, r)
}

func (k noticesReleaseCmd) release(ctx context.Context, a *app.App) (operate.Released, error) {
	if k.Change != "" {
		return a.Auditor.Operate.ReleaseChange(ctx, k.Key, k.Provider, k.Change, k.By, k.Why)
	}
	return a.Auditor.Operate.Release(ctx, k.Key, k.Provider, k.By, k.Why)
}

func (k noticesReleaseCmd) say(w io.Writer, a *app.App, r operate.Released) error {
	text := fmt.Sprintf("%s, run %s: %s re-checked\n%6d still failing: %s", app.Title(k.Provider), k.Key,
		report.Number(r.Accounts-r.Unasked, "account", "accounts"), r.Failing, report.Number(r.Queued, "mail is queued", "mails are queued"))
	if r.Queued > 0 {
		text += fmt.Sprintf(", due from %s, at most %d a run", app.RFC3339(r.First), a.Config.Notices.MaxPerNight)
	}
	text += fmt.Sprintf("\n%6d recovered\n", r.Recovered)
	if r.Otherwise > 0 {
		text += fmt.Sprintf("%6d are refused for another reason now: left to the next run\n", r.Otherwise)
	}
	text += fmt.Sprintf("%6d could not be re-checked or gave no response: left to the next run\n", r.Unasked)
	if k.Change != "" && r.OnHold > 0 {
		text += fmt.Sprintf("%6d %s on hold: not %s\n", r.OnHold, map[bool]string{true: "e-mail stays", false: "e-mails stay"}[r.OnHold == 1], k.Change)
	}
	_, err := io.WriteString(w, text)
	return err
}

type noticesDiscardCmd struct {
	ofHold
	decider
}

func (k noticesDiscardCmd) Run(ctx context.Context, a *app.App) error {
	n, err := a.Auditor.Operate.Discard(ctx, k.Key, k.Provider, k.By, k.Why)
	if err != nil {
		return err
	}
	a.TellDecision(ctx, k.Key)
	_, err = fmt.Fprintf(a.Env.Stdout, "%s, run %s: %s discarded; these e-mails are cancelled, and the next run re-checks the accounts\n", app.Title(k.Provider), k.Key,
		report.Number(n, "notice is", "notices are"))
	return err
}
