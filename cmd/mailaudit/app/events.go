package app

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/cmd/mailaudit/webhook"
	"mailaudit/providers"
)

const (
	eventsEvery  = 2 * time.Second  // how often is looked for what the product is owed
	eventsAtOnce = 8                // of different accounts
	eventLease   = 60 * time.Second // longer than any try: then its process is gone
	eventsAtMost = 200              // a look
)

// webhooks is the configured receiver of events; nil for none.
func (s *Setup) webhooks() (*webhook.Sender, error) {
	c := s.Config.Events
	if c.URL == "" {
		return nil, nil
	}
	roots, err := rootCAs(s.Config.Network.TLSCA)
	if err != nil {
		return nil, err
	}
	var secrets []providers.Secret
	for _, text := range strings.Fields(c.Secret.Reveal()) {
		secrets = append(secrets, providers.NewSecret(text))
	}
	sender, err := webhook.New(webhook.Options{URL: c.URL, Secrets: secrets, Roots: roots, AllowPrivate: s.Config.Network.AllowPrivate, Through: s.Env.transport()})
	if err != nil {
		return nil, exit.Usagef("events.secret: %w", err)
	}
	return sender, nil
}

// tellEvents writes the events that the product is owed and hands them over, until the context ends.
func (d *Daemon) tellEvents(ctx context.Context, to *webhook.Sender) {
	if to == nil {
		return
	}
	tick := time.NewTicker(eventsEvery)
	defer tick.Stop()
	away := false
	for {
		err := d.Auditor.Outbox.WriteEvents(ctx)
		if err == nil {
			err = d.handOver(ctx, to)
		}
		if err != nil && !away && ctx.Err() == nil {
			d.Log.Error("events are not written; tried again", "in", eventsEvery, "err", err)
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// handOver hands over what is due: of each account the first alone, so that its events arrive in order.
func (d *Daemon) handOver(ctx context.Context, to *webhook.Sender) error {
	for ctx.Err() == nil {
		due, err := d.Store.DueEvents(ctx, d.Now(), eventsAtMost)
		if err != nil || len(due) == 0 {
			return err
		}
		var group sync.WaitGroup
		places := make(chan struct{}, eventsAtOnce)
		for _, e := range due {
			places <- struct{}{}
			group.Go(func() {
				defer func() { <-places }()
				if err := d.handOverOne(ctx, to, e); err != nil && ctx.Err() == nil {
					d.Log.Error("what came of an event is not stored", "event", e.ID, "err", err)
				}
			})
		}
		group.Wait()
	}
	return nil
}

func (d *Daemon) handOverOne(ctx context.Context, to *webhook.Sender, e audit.Event) error {
	mine, err := d.Store.ClaimEvent(ctx, e.ID, e.Tries, d.Now(), d.Now().Add(eventLease))
	if err != nil || !mine {
		return err
	}
	e.Tries++
	failed := to.Send(ctx, e)
	if ctx.Err() != nil {
		return nil // it may have arrived: it is tried again under its id
	}
	now := d.Now()
	e.State, e.Detail, e.DueAt, e.SettledAt = audit.EventSent, "taken", now, now
	if failed != nil {
		e.Detail = failed.Error()
		next, again := decide.NextTry(e.Tries, e.TriedFrom, now)
		if again {
			e.State, e.DueAt, e.SettledAt = audit.EventQueued, next, time.Time{}
			level := slog.LevelDebug // once for all events, until one is taken
			if d.eventsRefused.CompareAndSwap(false, true) {
				level = slog.LevelWarn
			}
			d.Log.Log(ctx, level, "an event is not taken; it is tried again", "event", e.ID, "type", string(e.Type), "try", e.Tries, "next", next, "why", e.Detail)
		} else {
			e.State = audit.EventDead
			d.Log.Error("an event was not taken for three days; mailaudit events replay tries it again", "event", e.ID, "type", string(e.Type), "why", e.Detail)
		}
	}
	if failed == nil && d.eventsRefused.CompareAndSwap(true, false) {
		d.Log.Info("events are taken again")
	}
	return d.Store.EndTry(context.WithoutCancel(ctx), e)
}
