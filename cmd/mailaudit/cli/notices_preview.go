package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
	"mailaudit/report/notice"
)

type noticesPreviewCmd struct {
	Key      string `name:"run" placeholder:"KEY" help:"The run that wrote or held them."`
	Provider string `placeholder:"NAME" help:"The provider."`
	Out      string `placeholder:"DIR" help:"Write each as a file M-NUMBER.eml."`
	Full     bool   `help:"Show recipients in full instead of masked."`
}

func (noticesPreviewCmd) wants() app.Wants { return app.Wants{Asks: true} }

func (k noticesPreviewCmd) Run(ctx context.Context, a *app.App) error {
	waiting, err := k.waiting(ctx, a)
	if err != nil {
		return err
	}
	if len(waiting) == 0 {
		_, err := fmt.Fprintln(a.Env.Stdout, "no notice is held or queued")
		return err
	}
	desk, err := a.Preview()
	if err != nil {
		return err
	}
	if k.Out != "" {
		if err := os.MkdirAll(k.Out, 0o700); err != nil {
			return fmt.Errorf("make --out: %w", err)
		}
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "%s; samples:\n", report.Number(len(waiting), "notice waits", "notices wait"))
	if err != nil {
		return err
	}
	shown := 0
	for _, n := range app.Samples(waiting) {
		if shown == app.SamplesShown {
			break
		}
		m, why, err := desk.Preview(ctx, n, k.Full)
		if err != nil {
			return err
		}
		if why == "" {
			shown++
		}
		if err := k.show(a.Env.Stdout, n, m, why); err != nil {
			return err
		}
		if err := k.showStale(ctx, a.Env.Stdout, desk, n, why); err != nil {
			return err
		}
	}
	return nil
}

// showStale says what a queued notice waits for besides its turn: the release of a held one re-checks it anyway.
func (k noticesPreviewCmd) showStale(ctx context.Context, w io.Writer, desk *notice.Dispatcher, n audit.Notice, why string) error {
	if why != "" || n.State != audit.NoticeQueued {
		return nil
	}
	stale, err := desk.Stale(ctx, n)
	if err != nil || len(stale) == 0 {
		return err
	}
	_, err = fmt.Fprintf(w, "%s is re-checked before it leaves: %s last refused more than 24 hours ago\n", notice.Reference(n.ID),
		report.Number(len(stale), "mailbox was", "mailboxes were"))
	return err
}

// waiting are the notices to choose from: those of an open hold, else those that are held or queued.
func (k noticesPreviewCmd) waiting(ctx context.Context, a *app.App) ([]audit.Notice, error) {
	open, err := a.Store.OpenHolds(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range open {
		if (k.Key == "" || h.RunKey == k.Key) && (k.Provider == "" || h.Provider == k.Provider) {
			if held, err := a.Store.HeldNotices(ctx, h); err != nil || len(held) > 0 {
				return held, err
			}
		}
	}
	if k.Key != "" {
		if _, err := a.Store.LoadRun(ctx, k.Key); err != nil {
			return nil, err
		}
	}
	queued, err := a.Store.ListNotices(ctx, k.Key, audit.NoticeQueued, 10_000)
	if err != nil {
		return nil, err
	}
	var of []audit.Notice
	for _, n := range queued {
		if k.Provider == "" || n.Provider == k.Provider {
			of = append(of, n)
		}
	}
	if len(of) == 0 && k.Key != "" && k.Provider != "" {
		return nil, fmt.Errorf("run %s, provider %s: nothing is held or queued%s", k.Key, k.Provider, namesOf(open))
	}
	return of, nil
}

func namesOf(open []audit.Hold) string {
	text := ""
	for _, h := range open {
		text += fmt.Sprintf("; open: --run %s --provider %s", h.RunKey, h.Provider)
	}
	return text
}

func (k noticesPreviewCmd) show(w io.Writer, n audit.Notice, m notice.Message, why string) error {
	name := notice.Reference(n.ID)
	if why != "" {
		_, err := fmt.Fprintf(w, "\n%s would not go out: %s\n", name, why)
		return err
	}
	if k.Out != "" {
		file := filepath.Join(k.Out, name+".eml")
		if err := os.WriteFile(file, m.Raw, 0o600); err != nil {
			return fmt.Errorf("write sample: %w", err)
		}
		_, err := fmt.Fprintf(w, "%s\n", report.Plain(file))
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s to %s\nSubject: %s\n\n%s", name, report.Plain(m.To), m.Subject, m.Text)
	return err
}
