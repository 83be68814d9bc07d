package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/audit/postgres"
	"mailaudit/audit/queue"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
	"mailaudit/report/notice"
)

// WhatIf is what is to be rehearsed.
type WhatIf struct {
	Live   bool              // notices.mode is live from today
	Change *providers.Change // takes effect after its Day; nil: none
	Until  time.Time         // runs that begin before are played
}

// Rehearsed is what a rehearsal came to.
type Rehearsed struct {
	Runs    int
	Mode    audit.Mode
	Mails   []audit.Notice    // that left, or would in shadow mode, by their ids
	Queued  []audit.Notice    // that had not left at the end
	Holds   []audit.Hold      // that opened
	Stopped map[string]string // runs that a guard stopped, and why
	Late    *LateWarnings     // when the first warnings of the change are written; nil where all leave in time
	Unknown int               // accounts of which no run has said anything yet: they are played without an answer
	From    time.Time
}

// LateWarnings are customers whom the caps do not let hear of the change before its day.
type LateWarnings struct{ Customers, Needed, Days, DaysNeeded int }

// Rehearse plays the coming runs on a copy of what is kept, by the program's own steps, in a time of its own. Providers
// answer as they did last, from a change's day on as it says. Nothing is stored, asked, mailed or posted.
func (a *App) Rehearse(ctx context.Context, w WhatIf) (Rehearsed, error) {
	dir, err := os.MkdirTemp("", "mailaudit-rehearse-")
	if err != nil {
		return Rehearsed{}, fmt.Errorf("make a folder for the copy: %w", err)
	}
	defer os.RemoveAll(dir)
	store, err := copyOf(ctx, a.Store, filepath.Join(dir, "copy.db"))
	if err != nil {
		return Rehearsed{}, err
	}
	defer store.Close()
	stage := &stage{now: a.Now(), change: w.Change}
	stage.app = a.onStage(stage, rehearsalStorage{SqliteStorage{store, ""}}, w)
	if err := stage.cast(ctx); err != nil {
		return Rehearsed{}, err
	}
	return stage.play(ctx, w.Until)
}

// copyOf copies what is kept into a file of its own.
func copyOf(ctx context.Context, from Storage, path string) (*sqlite.Store, error) {
	if embedded, ok := from.(SqliteStorage); ok {
		if err := embedded.CopyTo(ctx, path); err != nil {
			return nil, err
		}
	}
	store, err := sqlite.Create(ctx, path)
	if err != nil {
		return nil, err
	}
	err = errors.Join(store.Fast(ctx), store.Migrate(ctx))
	if rows, ok := from.(interface {
		EachRow(context.Context, string, []string, func([]string, []any) error) error
	}); ok && err == nil {
		err = store.Fill(ctx, rows)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

var _ sqlite.Rows = (*postgres.Store)(nil)

// rehearsalStorage works without a queue: a rehearsal takes the steps one after the other.
type rehearsalStorage struct{ SqliteStorage }

func (rehearsalStorage) NewEngine(queue.Options) (Engine, error) { return nil, nil }

// stage is where a rehearsal is played.
type stage struct {
	app    *App
	worker *Worker
	now    time.Time
	change *providers.Change
	parts  map[string][]part // by provider and login
	out    Rehearsed
}

// part is one account and what it was answered last.
type part struct {
	account string
	state   audit.State
	canary  string // "good", "bad" or ""
}

type noTransport struct{}

func (noTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("a rehearsal reaches nobody")
}

// carrier takes every mail.
type carrier struct{}

func (carrier) Close() error { return nil }
func (carrier) Send(ctx context.Context, _ notice.Message, beforeDot func(context.Context) error) (notice.Outcome, error) {
	if beforeDot != nil {
		if err := beforeDot(ctx); err != nil {
			return notice.Outcome{Result: notice.Retry}, err
		}
	}
	return notice.Outcome{Result: notice.Sent, Stage: "dot", Detail: "rehearsed"}, nil
}

// onStage is the program over a copy, with a clock and providers of the stage.
func (a *App) onStage(st *stage, store Storage, w WhatIf) *App {
	c := *a.Config
	if w.Live {
		c.Notices.Mode = string(audit.ModeLive)
	}
	c.Slack = config.Slack{Show: c.Slack.Show}
	if c.Relay.From.Address == "" {
		c.Relay.From.Name, c.Relay.From.Address = "Support", "support@example.com"
	}
	env := &Env{LookupEnv: a.Env.LookupEnv, Stdout: io.Discard, Stderr: io.Discard, Now: func() time.Time { return st.now }, World: &World{Transport: noTransport{}, Look: time.Second}}
	s := &Setup{Config: &c, Log: slog.New(slog.DiscardHandler), Env: env, Now: env.Now}
	source := a.Source
	b := New(s, Parts{Store: store, Source: source, Keys: a.Keys, MX: a.MX, Relay: func() (Carrier, error) { return carrier{}, nil }, Slack: func() (poster, error) { return nil, nil }})
	b.Auditor.Ask.Grants = nil
	b.Auditor.Ask.Converse = st.converse
	b.Auditor.Night.Clocks, b.Auditor.Night.Pacing = nil, nil
	if w.Change != nil {
		policy := b.Auditor.Outbox.Policy
		policy.Changes = []providers.Change{*w.Change}
		for _, other := range a.Auditor.Outbox.Policy.Changes {
			if other.ID != w.Change.ID {
				policy.Changes = append(policy.Changes, other)
			}
		}
		b.Auditor.Ask.Policy, b.Auditor.Outbox.Policy, b.Auditor.Night.Policy, b.Auditor.Operate.Policy = policy, policy, policy, policy
	}
	return b
}

// cast reads who answers what.
func (st *stage) cast(ctx context.Context) error {
	st.parts = map[string][]part{}
	canaries := map[string]string{}
	for _, c := range st.app.Auditor.Outbox.Policy.Canaries {
		for _, id := range c.Good {
			canaries[id] = "good"
		}
		for _, id := range c.Bad {
			canaries[id] = "bad"
		}
	}
	for after := ""; ; {
		page, err := st.app.Source.AccountsAfter(ctx, after, AccountsPage, "")
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID
		states, err := st.app.Store.LoadStates(ctx, audit.IDs(page, func(acc audit.Account) string { return acc.ID }))
		if err != nil {
			return err
		}
		for _, acc := range page {
			p := part{account: acc.ID, state: states[acc.ID], canary: canaries[acc.ID]}
			if p.state.Settled.Verdict == "" && p.canary == "" {
				st.out.Unknown++
			}
			st.parts[acc.Login()] = append(st.parts[acc.Login()], p)
		}
	}
}

// converse answers as the provider did last, or as it will.
func (st *stage) converse(_ context.Context, provider string, at providers.Attempt) providers.Conversation {
	conv := providers.Conversation{Endpoint: at.Endpoint, Connected: true, Stage: providers.StageAuth, StartedAt: st.now}
	parts := st.parts[at.Login]
	if len(parts) == 0 {
		conv.Fault, conv.Detail = providers.FaultNoMechanism, "a rehearsal has nobody of that name"
		return conv
	}
	p := parts[0]
	for _, other := range parts[1:] { // one login with several secrets: the one that was asked with this secret
		if f := other.state.Fingerprint; f != "" && f == st.app.Keys.Secret(other.account, at.Secret) {
			p = other
		}
	}
	conv.CredentialSent, conv.Mechanism = true, providers.Login
	if at.Grant != nil {
		conv.Mechanism = providers.XOAuth2
	}
	verdict := p.state.Settled.Verdict
	accepted := verdict.Fine() || verdict == audit.SingleFactor || p.canary == "good"
	switch {
	case accepted && p.canary == "" && at.Grant == nil && st.ended(provider, p.state):
		conv.Reply = providers.ParseReply(providers.StageAuth, st.change.Reply)
	case accepted:
		conv.Reply = providers.ParseReply(providers.StageAuth, "235 2.7.0 Authentication succeeded")
	case p.canary == "bad":
		conv.Reply = providers.ParseReply(providers.StageAuth, "535 5.7.8 Authentication credentials invalid")
	case verdict.Failing() && p.state.Settled.Reply != "":
		conv.Reply = providers.ParseEvidence(providers.StagesOf(p.state.Settled.Reply)[0], p.state.Settled.Reply)
		conv.Stage = conv.Reply.Stage
	default:
		conv.Fault, conv.Detail, conv.CredentialSent = providers.FaultTimeout, "a rehearsal knows no answer", false
	}
	return conv
}

// ended reports whether the change has taken this way of signing in away.
func (st *stage) ended(provider string, state audit.State) bool {
	c := st.change
	if c == nil || provider != c.Provider || st.now.Before(c.Day.Add(decide.Day)) {
		return false
	}
	return len(c.Brands) == 0 || contains(c.Brands, state.Brand)
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
