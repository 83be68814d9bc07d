package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/page"
	"mailaudit/report/slack"
)

// nextRun is when serve starts the next one. Of what else starts runs, cron perhaps, the program knows
// nothing.
func (a *app) nextRun() time.Time {
	next, _ := a.slots.next(a.now())
	return next.at
}

// reportOptions say how this installation's reports look.
func (a *app) reportOptions() report.Options {
	c := a.config
	o := report.Options{
		Now:           a.now,
		Zone:          c.TimeZone,
		FullAddresses: c.Report.Addresses == "full",
		Title:         title,
		Mode:          audit.Mode(c.Notices.Mode),
		BaseURL:       c.Report.URL,
		NextRun:       a.nextRun(),
		Ahead:         a.secretsThatEnd(),
	}
	return o
}

// aheadWithin is how early the end of our own secrets is told.
const aheadWithin = 30 * 24 * time.Hour

// secretsThatEnd names the client secrets that will have to be renewed soon: an expired one fails every
// mailbox that signs in by OAuth at once.
func (s *setup) secretsThatEnd() []string {
	var ahead []string
	for _, name := range slices.Sorted(maps.Keys(s.config.Providers)) {
		ends := s.config.Providers[name].OAuth.SecretExpires
		if ends.IsZero() || ends.Sub(s.now()) > aheadWithin {
			continue
		}
		verb := "ends"
		if ends.Before(s.now()) {
			verb = "has ended"
		}
		ahead = append(ahead, fmt.Sprintf("our OAuth client secret at %s %s on %s: renew it and set providers.%s.oauth", title(name), verb, ends.Format("2 Jan 2006"), name))
	}
	return ahead
}

func (s *setup) slackLayout() slack.Layout {
	return slack.Layout{Names: s.config.Slack.Show == "names", CommandPrefix: s.config.Slack.CommandPrefix}
}

// poster is Slack, or what a test puts in its place.
type poster interface {
	Find(ctx context.Context, runKey string, since time.Time) (at slack.Posted, found bool, err error)
	Post(ctx context.Context, s *report.Summary, mayRepeat bool) (slack.Posted, error)
	Details(ctx context.Context, s *report.Summary, src report.Source, at slack.Posted) error
	Update(ctx context.Context, s *report.Summary, ref string) error
	Alarm(ctx context.Context, a slack.Alarm) error
}

// configuredSlack is nil where none is configured.
func (s *setup) configuredSlack() (poster, error) {
	p, err := s.slackPoster()
	if err != nil || p == nil {
		return nil, err
	}
	return p, nil
}

// slackPoster is the way to Slack; nil where none is configured.
func (s *setup) slackPoster() (*slack.Poster, error) {
	c := s.config.Slack
	if c.Token.Empty() && c.Webhook.Empty() {
		return nil, nil
	}
	p, err := slack.New(slack.Config{
		Token: c.Token, Channel: c.Channel, Webhook: c.Webhook, APIURL: c.APIURL,
		Installation: s.config.Installation, Layout: s.slackLayout(), Transport: s.around.transport(),
	})
	if err != nil {
		return nil, usageError("slack: %w", err)
	}
	return p, nil
}

// publisher tells operations about concluded runs: files first, then Slack or standard output.
type publisher struct {
	*app
	slack  poster    // nil where none is configured
	stdout io.Writer // where the summary goes without Slack
	// files keeps what kept a report's files from being written.
	files troubles
	out   sync.Map // by run: where its summary stands that could not be marked as posted
}

// Post publishes one run's report. It is marked before the call to Slack, so that a start which finds the
// mark without an answer looks whether the message is there before it posts again.
func (p *publisher) Post(ctx context.Context, key string) error {
	run, err := p.store.LoadRun(ctx, key)
	if err != nil || !run.PostedAt.IsZero() {
		return err
	}
	if ref, out := p.out.Load(key); out {
		return p.posted(ctx, key, ref.(string)) // a database that does not take the mark brings no repetitions
	}
	summary, err := report.Build(ctx, p.store, key, p.reportOptions())
	if err != nil {
		return err
	}
	if err := p.writeFiles(ctx, summary); ctx.Err() != nil {
		return err
	} else if err != nil {
		// A full disk is no reason for silence in Slack; run ends with an error, and the report can be had again.
		err = fmt.Errorf("the files of run %s: %w; mend it, then mailaudit report %s --format html --out FILE", key, err, key)
		p.log.Error("report not written", "err", p.files.note("files", err))
	}
	if err := p.keepDigest(ctx, summary); err != nil {
		if b, _ := p.store.Blame(err); b != audit.BlameRow {
			return err
		}
		p.log.Error("the report's digest is not kept", "run", key, "err", err)
	}
	if p.slack == nil {
		if err := summary.WriteText(p.stdout); err != nil {
			return err
		}
		p.log.Info("slack is not configured; the summary went to standard output", "run", key)
		return p.posted(ctx, key, "")
	}
	return p.toSlack(ctx, run, summary)
}

// posted marks a summary that is out.
func (p *publisher) posted(ctx context.Context, key, ref string) error {
	p.out.Store(key, ref)
	err := p.store.Posted(context.WithoutCancel(ctx), key, ref, p.now())
	if err == nil {
		p.out.Delete(key)
	}
	return err
}

func (p *publisher) toSlack(ctx context.Context, run audit.Run, summary *report.Summary) error {
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
	mark := p.now()
	if err := p.store.Posting(ctx, run.Key, run.PostingAt, mark); err != nil {
		return err
	}
	at, err := p.slack.Post(ctx, summary, mayRepeat)
	if err != nil {
		var refused *slack.Error
		if errors.As(err, &refused) && !refused.Uncertain {
			// Slack has said no, so there is nothing to look for at the next try.
			err = errors.Join(err, p.store.Posting(context.WithoutCancel(ctx), run.Key, mark, time.Time{}))
		}
		return fmt.Errorf("post the summary of %s: %w", run.Key, err)
	}
	if err := p.posted(ctx, run.Key, at.Ref()); err != nil {
		return err
	}
	if slack.Cut(summary) {
		// The summary stands; a list that does not reach its thread is in the report's files too.
		if err := p.slack.Details(ctx, summary, p.store, at); err != nil {
			p.log.Warn("the list of findings is not in the summary's thread", "run", run.Key, "err", err)
		}
	}
	return nil
}

// keepDigest notes what the run's report says for good, so that an old report can be held against it.
func (p *publisher) keepDigest(ctx context.Context, s *report.Summary) error {
	if !s.Finished() {
		return nil
	}
	digest, err := s.Digest(ctx, p.store)
	if err != nil {
		return err
	}
	_, err = p.store.KeepFact(ctx, s.Run.Key, report.DigestFact, digest)
	return err
}

func (p *publisher) writeFiles(ctx context.Context, s *report.Summary) error {
	if p.config.Report.Dir == "" {
		return nil
	}
	if err := p.writeNight(ctx, s); err != nil {
		return err
	}
	return p.writeIndex(ctx)
}

func (p *publisher) writeNight(ctx context.Context, s *report.Summary) error {
	return report.WriteDir(p.config.Report.Dir, s.Run.Key,
		report.File{Name: report.PageFile, Write: func(w io.Writer) error { return page.Write(ctx, w, s, p.store) }},
		report.File{Name: report.JSONFile, Write: func(w io.Writer) error { return s.WriteJSON(ctx, w, p.store) }},
		report.File{Name: report.CSVFile, Write: func(w io.Writer) error { return s.WriteCSV(ctx, w, p.store) }},
	)
}

func (p *publisher) writeIndex(ctx context.Context) error {
	runs, err := p.store.ListRuns(ctx, indexRuns, false)
	if err != nil {
		return err
	}
	return report.WriteTop(p.config.Report.Dir, report.File{Name: report.IndexFile, Write: func(w io.Writer) error {
		return page.WriteIndex(w, p.config.Report.Dir, runs, p.reportOptions())
	}})
}

// indexRuns is how many runs the index page lists.
const indexRuns = 1_000

// writeOut writes a result to the named file, or to standard output where none is named. A file is there
// whole or not at all.
func writeOut(stdout io.Writer, path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		return write(stdout)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".mailaudit-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
