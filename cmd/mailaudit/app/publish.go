package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
	"mailaudit/report/evidence"
	"mailaudit/report/slack"
)

// nextRun is when serve starts the next one. Of what else starts runs, cron perhaps, the program knows
// nothing.
func (a *App) nextRun() time.Time {
	next, _ := a.Slots.Next(a.Now())
	return next.At
}

// ReportOptions say how this installation's reports look.
func (a *App) ReportOptions() report.Options {
	c := a.Config
	o := report.Options{
		Now:           a.Now,
		Zone:          c.TimeZone,
		FullAddresses: c.Report.Addresses == "full",
		Title:         Title,
		Mode:          audit.Mode(c.Notices.Mode),
		BaseURL:       c.Report.URL,
		NextRun:       a.nextRun(),
		MailsPerRun:   c.Notices.MaxPerNight,
		MinCoverage:   float64(c.Guard.MinCoverage),
		Ahead:         a.secretsThatEnd(),
		AccountURL:    c.Report.AccountURL,
		CommandPrefix: c.Slack.CommandPrefix,
		Told:          a.notified,
	}
	return o
}

// aheadWithin is how early the end of our own secrets is told.
const aheadWithin = 30 * 24 * time.Hour

// secretsThatEnd names the client secrets that will have to be renewed soon: an expired one fails every
// mailbox that signs in by OAuth at once.
func (s *Setup) secretsThatEnd() []string {
	var ahead []string
	for _, name := range slices.Sorted(maps.Keys(s.Config.Providers)) {
		ends := s.Config.Providers[name].OAuth.SecretExpires
		if ends.IsZero() || ends.Sub(s.Now()) > aheadWithin {
			continue
		}
		verb := "ends"
		if ends.Before(s.Now()) {
			verb = "has ended"
		}
		ahead = append(ahead, fmt.Sprintf("our OAuth client secret at %s %s on %s: renew it and set providers.%s.oauth", Title(name), verb, ends.Format("2 Jan 2006"), name))
	}
	return ahead
}

// SlackLayout is how messages look in the configured Slack.
func (s *Setup) SlackLayout() slack.Layout {
	layout := slack.Layout{Names: s.Config.Slack.Show == "names", CommandPrefix: s.Config.Slack.CommandPrefix}
	if s.Config.Slack.Console() {
		layout.Buttons = &slack.Buttons{Installation: s.Config.Installation}
	}
	return layout
}

// poster is Slack, or what a test puts in its place.
type poster interface {
	Find(ctx context.Context, runKey string, since time.Time) (at slack.Posted, found bool, err error)
	Post(ctx context.Context, s *report.Summary, mayRepeat bool) (slack.Posted, error)
	Details(ctx context.Context, s *report.Summary, src report.Source, at slack.Posted) error
	Unrecognized(ctx context.Context, s *report.Summary, at slack.Posted) error
	Reply(ctx context.Context, at slack.Posted, text string) error
	Update(ctx context.Context, s *report.Summary, ref string) error
	Alarm(ctx context.Context, a slack.Alarm) error
	Say(ctx context.Context, text string) error
}

// ConfiguredSlack is nil where none is configured.
func (s *Setup) ConfiguredSlack() (poster, error) {
	p, err := s.SlackPoster()
	if err != nil || p == nil {
		return nil, err
	}
	return p, nil
}

// SlackPoster is the way to Slack; nil where none is configured.
func (s *Setup) SlackPoster() (*slack.Poster, error) {
	c := s.Config.Slack
	if c.Token.Empty() && c.Webhook.Empty() {
		return nil, nil
	}
	p, err := slack.New(slack.Config{
		Token: c.Token, Channel: c.Channel, Webhook: c.Webhook, APIURL: c.APIURL,
		Installation: s.Config.Installation, Layout: s.SlackLayout(), Transport: s.Env.transport(),
	})
	if err != nil {
		return nil, exit.Usagef("slack: %w", err)
	}
	return p, nil
}

// Publisher tells operations about concluded runs: files first, then Slack or standard output.
type Publisher struct {
	*App
	slack  poster    // nil where none is configured
	Stdout io.Writer // where the summary goes without Slack
	// Files keeps what kept a report's files from being written.
	Files troubles
	out   sync.Map // by run: where its summary stands that could not be marked as posted
}

// Post publishes one run's report. It is marked before the call to Slack, so that a start which finds the
// mark without an answer looks whether the message is there before it posts again.
func (p *Publisher) Post(ctx context.Context, key string) error {
	run, err := p.Store.LoadRun(ctx, key)
	if err != nil || !run.PostedAt.IsZero() {
		return err
	}
	if ref, out := p.out.Load(key); out {
		return p.posted(ctx, key, ref.(string)) // a database that does not take the mark brings no repetitions
	}
	summary, err := report.Build(ctx, p.Store, key, p.ReportOptions())
	if err != nil {
		return err
	}
	if err := p.writeFiles(ctx, summary); ctx.Err() != nil {
		return err
	} else if err != nil {
		// A full disk is no reason for silence in Slack; run ends with an error, and the report can be had again.
		err = fmt.Errorf("the files of run %s: %w; fix it, then mailaudit report %s --format html --out FILE", key, err, key)
		p.Log.Error("report not written", "err", p.Files.note("files", err))
	}
	sealed, err := p.seal(ctx, summary)
	if err != nil {
		if b, _ := p.Store.Blame(err); b == audit.BlameAway {
			return err
		}
		p.Log.Error("the run is not sealed in the chain of evidence; the next one seals it too", "run", key, "err", err)
	}
	if p.slack == nil {
		if err := summary.WriteText(p.Stdout); err != nil {
			return err
		}
		p.Log.Info("slack is not configured; the summary went to standard output", "run", key)
		return p.posted(ctx, key, "")
	}
	return p.toSlack(ctx, run, summary, sealed)
}

// posted marks a summary that is out.
func (p *Publisher) posted(ctx context.Context, key, ref string) error {
	p.out.Store(key, ref)
	now := p.Now()
	err := p.Heard.Mark(ctx, "that a summary is posted", func(ctx context.Context) error { return p.Store.Posted(ctx, key, ref, now) })
	if err == nil {
		p.out.Delete(key)
	}
	return err
}

func (p *Publisher) toSlack(ctx context.Context, run audit.Run, summary *report.Summary, sealed evidence.Sealed) error {
	mayRepeat := false
	if !run.PostingAt.IsZero() {
		at, found, err := p.slack.Find(ctx, run.Key, run.PostingAt.Add(-time.Minute))
		switch {
		case err == nil && found:
			return p.posted(ctx, run.Key, at.Ref())
		case errors.Is(err, slack.ErrCannotLook):
			mayRepeat = true
		case err != nil:
			return fmt.Errorf("look for the summary of %s in Slack: %w", run.Key, err)
		}
	}
	mark := p.Now()
	if err := p.Store.Posting(ctx, run.Key, run.PostingAt, mark); err != nil {
		return err
	}
	at, err := p.slack.Post(ctx, summary, mayRepeat)
	if err != nil {
		var refused *slack.Error
		if errors.As(err, &refused) && !refused.Uncertain {
			// Slack has said no, so there is nothing to look for at the next try.
			err = errors.Join(err, p.Store.Posting(context.WithoutCancel(ctx), run.Key, mark, time.Time{}))
		}
		return fmt.Errorf("post the summary of %s: %w", run.Key, err)
	}
	if err := p.posted(ctx, run.Key, at.Ref()); err != nil {
		return err
	}
	if sealed.Head != "" {
		if err := p.slack.Reply(ctx, at, sealed.String()); err != nil {
			p.Log.Warn("the head of the chain of evidence is not in the summary's thread", "run", run.Key, "err", err)
		}
	}
	if slack.Cut(summary) {
		// The summary stands; a list that does not reach its thread is in the report's files too.
		if err := p.slack.Details(ctx, summary, p.Store, at); err != nil {
			p.Log.Warn("the list of findings is not in the summary's thread", "run", run.Key, "err", err)
		}
	}
	if err := p.slack.Unrecognized(ctx, summary, at); err != nil {
		p.Log.Warn("the unrecognized replies are not in the summary's thread", "run", run.Key, "err", err)
	}
	return nil
}

// seal notes what the run's report says for good, so that an old report can be held against it, and adds the run to the
// chain of evidence.
func (p *Publisher) seal(ctx context.Context, s *report.Summary) (evidence.Sealed, error) {
	if s.Run.Status != audit.RunConcluded {
		return evidence.Sealed{}, nil
	}
	digest, err := s.Digest(ctx, p.Store)
	if err != nil {
		return evidence.Sealed{}, err
	}
	if _, err = p.Store.KeepFact(ctx, s.Run.Key, report.DigestFact, digest); err != nil {
		return evidence.Sealed{}, err
	}
	return p.sealRun(ctx, s.Run, digest)
}

// TellDecision brings what was said of a hold up to date: in the run that opened it and in the latest, which
// named it too. What is decided stands whether or not that works.
func (a *App) TellDecision(ctx context.Context, key string) {
	if err := a.updateSummaries(ctx, key); err != nil {
		a.Log.Warn("the decision stands, and a summary still asks for it", "run", key, "err", err)
	}
}

func (a *App) updateSummaries(ctx context.Context, key string) error {
	poster, err := a.Slack()
	if err != nil {
		return err
	}
	keys := []string{key}
	latest, err := a.Store.ListRuns(ctx, 1, false)
	if err != nil {
		return err
	}
	if len(latest) == 1 && latest[0].Key != key {
		keys = append(keys, latest[0].Key)
	}
	var all error
	for _, key := range keys {
		all = errors.Join(all, (&Publisher{App: a, slack: poster, Stdout: io.Discard}).update(ctx, key))
	}
	return all
}

// update replaces a run's files and its message in Slack, where it has one that can be changed.
func (p *Publisher) update(ctx context.Context, key string) error {
	run, err := p.Store.LoadRun(ctx, key)
	if err != nil || run.PostedAt.IsZero() {
		return err // it is posted yet, with what is known then
	}
	summary, err := report.Build(ctx, p.Store, key, p.ReportOptions())
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

// Pasted is a command of the program as an operator can paste it, with slack.command_prefix where one is set; "" for "".
func (s *Setup) Pasted(words string) string {
	if words == "" {
		return ""
	}
	return strings.TrimSpace(s.Config.Slack.CommandPrefix + " mailaudit " + words)
}
