package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/slack"
)

// ofHold names a hold by the run whose guard opened it, and its provider.
type ofHold struct {
	Key      string `name:"run" required:"" placeholder:"KEY" help:"The run whose guard held the notices."`
	Provider string `required:"" placeholder:"NAME" help:"The provider."`
}

type noticesReleaseCmd struct {
	ofHold
	decider
}

func (noticesReleaseCmd) wants() wants { return wants{asks: true} }

func (k noticesReleaseCmd) Run(ctx context.Context, a *app) error {
	if err := a.checkKeys(ctx); err != nil {
		return err
	}
	r, err := a.auditor.Release(ctx, k.Key, k.Provider, k.By, k.Why)
	if err != nil {
		return err
	}
	a.tellDecision(ctx, k.Key)
	return k.say(a.around.stdout, a, r)
}

func (k noticesReleaseCmd) say(w io.Writer, a *app, r audit.Released) error {
	text := fmt.Sprintf("%s, run %s: %s asked again\n%6d still fail: %s", title(k.Provider), k.Key,
		report.Number(r.Accounts-r.Unasked, "account", "accounts"), r.Failing, report.Number(r.Queued, "mail is queued", "mails are queued"))
	if r.Queued > 0 {
		text += fmt.Sprintf(", due from %s, at most %d a night", rfc3339(r.First), a.config.Notices.MaxPerNight)
	}
	text += fmt.Sprintf("\n%6d work again\n", r.Mended)
	if r.Otherwise > 0 {
		text += fmt.Sprintf("%6d are refused for another reason now: tonight's run judges them\n", r.Otherwise)
	}
	text += fmt.Sprintf("%6d could not be asked or gave no answer: left to tonight's run\n", r.Unasked)
	_, err := io.WriteString(w, text)
	return err
}

type noticesDiscardCmd struct {
	ofHold
	decider
}

func (k noticesDiscardCmd) Run(ctx context.Context, a *app) error {
	n, err := a.auditor.Discard(ctx, k.Key, k.Provider, k.By, k.Why)
	if err != nil {
		return err
	}
	a.tellDecision(ctx, k.Key)
	_, err = fmt.Fprintf(a.around.stdout, "%s, run %s: %s discarded; nothing is mailed, and the accounts are asked again tonight\n", title(k.Provider), k.Key,
		report.Number(n, "notice is", "notices are"))
	return err
}

// tellDecision brings what was said of a hold up to date: in the run that opened it and in the latest, which
// named it too. What is decided stands whether or not that works.
func (a *app) tellDecision(ctx context.Context, key string) {
	if err := a.updateSummaries(ctx, key); err != nil {
		a.log.Warn("the decision stands, and a summary still asks for it", "run", key, "err", err)
	}
}

func (a *app) updateSummaries(ctx context.Context, key string) error {
	poster, err := a.slack()
	if err != nil {
		return err
	}
	keys := []string{key}
	latest, err := a.store.ListRuns(ctx, 1, false)
	if err != nil {
		return err
	}
	if len(latest) == 1 && latest[0].Key != key {
		keys = append(keys, latest[0].Key)
	}
	var all error
	for _, key := range keys {
		all = errors.Join(all, (&publisher{app: a, slack: poster, stdout: io.Discard}).update(ctx, key))
	}
	return all
}

// update replaces a run's files and its message in Slack, where it has one that can be changed.
func (p *publisher) update(ctx context.Context, key string) error {
	run, err := p.store.LoadRun(ctx, key)
	if err != nil || run.PostedAt.IsZero() {
		return err // it is posted yet, with what is known then
	}
	summary, err := report.Build(ctx, p.store, key, p.reportOptions())
	if err != nil {
		return err
	}
	if err := p.writeFiles(ctx, summary); err != nil {
		return err
	}
	if p.slack == nil || run.PostedRef == "" {
		return nil
	}
	err = p.slack.Update(ctx, summary, run.PostedRef)
	if errors.Is(err, slack.ErrCannotLook) {
		return nil
	}
	return err
}
