package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailaudit/audit"
)

// eventsStore is what this file needs of the store. The contracts are in package audit.
type eventsStore interface {
	Failing(ctx context.Context, after string, limit int) ([]audit.State, error)
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	Setting(ctx context.Context, name string) (string, error)
	PutSetting(ctx context.Context, name, value string) error
	KnownFailing(ctx context.Context, after string, limit int) ([]audit.KnownFailing, error)
	WriteEvents(ctx context.Context, events []audit.Event) error
	ForgetKnown(ctx context.Context, ids []string) error
	Warned(ctx context.Context, t time.Time, limit int) ([]audit.Warned, error)
	HoldsSince(ctx context.Context, t time.Time) ([]audit.Hold, error)
}

// Events are not written where something happens, but by comparing what is with what the product knows: so whoever ended a finding
// (a run, the watch, a command, a check), none is lost with a process, and an event that is written twice has one id.

const (
	eventPage = 500
	runsTold  = 30
)

// WriteEvents writes the events that the product is owed. It may be called by any number of processes.
func (o *Outbox) WriteEvents(ctx context.Context) error {
	since, err := o.eventsSince(ctx)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return o.writeRecovered(ctx) },
		func() error { return o.writeFailing(ctx) },
		func() error { return o.writeWarned(ctx, since) },
		func() error { return o.writeHolds(ctx, since) },
		func() error { return o.writeRuns(ctx, since) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// settingEventsSince is when events were first written here: what came before is no news.
const settingEventsSince = "events_since"

func (o *Outbox) eventsSince(ctx context.Context) (time.Time, error) {
	text, err := o.Ledger.Setting(ctx, settingEventsSince)
	if err != nil {
		return time.Time{}, err
	}
	if since, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return since, nil
	}
	now := o.Now().UTC()
	return now, o.Ledger.PutSetting(ctx, settingEventsSince, now.Format(time.RFC3339Nano))
}

// writeFailing tells of accounts whose failing verdict may be shown and which the product does not know so.
func (o *Outbox) writeFailing(ctx context.Context) error {
	known := map[string]audit.KnownFailing{}
	for after := ""; ; {
		page, err := o.Ledger.KnownFailing(ctx, after, eventPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, a := range page {
			known[a.AccountID] = a
		}
		after = page[len(page)-1].AccountID
	}
	for after := ""; ; {
		page, err := o.Ledger.Failing(ctx, after, eventPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].AccountID
		readings, err := o.Readings(ctx, page)
		if err != nil {
			return err
		}
		var events []audit.Event
		for _, r := range readings {
			a := known[r.AccountID]
			if !r.Verdict.Failing() || a.Verdict == r.Verdict && a.Since.Equal(r.Since) && a.Shadow == r.Shadow {
				continue
			}
			events = append(events, o.accountEvent(audit.EventFailing, r))
		}
		if err := o.Ledger.WriteEvents(ctx, events); err != nil {
			return err
		}
	}
}

// writeRecovered tells of accounts that the product knows as failing and that work again. Who has left is forgotten.
func (o *Outbox) writeRecovered(ctx context.Context) error {
	for after := ""; ; {
		page, err := o.Ledger.KnownFailing(ctx, after, eventPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].AccountID
		states, err := o.Ledger.LoadStates(ctx, audit.IDs(page, func(a audit.KnownFailing) string { return a.AccountID }))
		if err != nil {
			return err
		}
		var events []audit.Event
		var left []string
		for _, a := range page {
			st, there := states[a.AccountID]
			switch {
			case !there || st.Settled.Verdict == audit.Gone:
				left = append(left, a.AccountID)
			case st.Settled.Verdict.Fine():
				e := o.accountEvent(audit.EventRecovered, audit.Reading{
					AccountID: a.AccountID, TenantID: a.TenantID, Provider: st.Provider, Verdict: st.Settled.Verdict, TwoFactor: st.Settled.TwoFactor,
					Since: st.Settled.Since, Shadow: a.Shadow,
				})
				e.ID = eventID(e.Type, a.AccountID, string(a.Verdict), instant(a.Since), strconv.FormatBool(a.Shadow)) // one for the finding
				events = append(events, e)
			}
		}
		if err := o.Ledger.WriteEvents(ctx, events); err != nil {
			return err
		}
		if len(left) > 0 {
			if err := o.Ledger.ForgetKnown(ctx, left); err != nil {
				return err
			}
		}
	}
}

func (o *Outbox) writeWarned(ctx context.Context, since time.Time) error {
	warned, err := o.Ledger.Warned(ctx, since, eventPage)
	if err != nil || len(warned) == 0 {
		return err
	}
	var events []audit.Event
	for _, w := range warned {
		events = append(events, o.event(fmt.Sprintf("evt_warned_%d_%s", w.NoticeID, w.AccountID), audit.EventWarned, "account/"+w.AccountID, map[string]any{
			"account_id": w.AccountID, "tenant_id": w.TenantID, "provider": w.Provider, "notice_number": fmt.Sprintf("M-%d", w.NoticeID), "told_at": instant(w.SentAt),
		}))
		events[len(events)-1].AccountID, events[len(events)-1].TenantID = w.AccountID, w.TenantID
	}
	return o.Ledger.WriteEvents(ctx, events)
}

func (o *Outbox) writeHolds(ctx context.Context, since time.Time) error {
	holds, err := o.Ledger.HoldsSince(ctx, since)
	if err != nil {
		return err
	}
	var events []audit.Event
	for _, h := range holds {
		name := h.RunKey + "/" + h.Provider
		if !h.OpenedAt.Before(since) {
			events = append(events, o.event(eventID(audit.EventHold, name), audit.EventHold, "hold/"+name, map[string]any{
				"run": h.RunKey, "provider": h.Provider, "opened_at": instant(h.OpenedAt),
			}))
		}
		if h.State != audit.HoldOpen {
			events = append(events, o.event(eventID(audit.EventDecided, name), audit.EventDecided, "hold/"+name, map[string]any{
				"run": h.RunKey, "provider": h.Provider, "state": string(h.State), "decided_at": instant(h.DecidedAt),
			}))
		}
	}
	return o.writeNew(ctx, events)
}

func (o *Outbox) writeRuns(ctx context.Context, since time.Time) error {
	runs, err := o.Ledger.ListRuns(ctx, runsTold, false)
	if err != nil {
		return err
	}
	var events []audit.Event
	for i := len(runs) - 1; i >= 0; i-- {
		r := runs[i]
		if r.Status != audit.RunConcluded || r.FinishedAt.Before(since) {
			continue
		}
		events = append(events, o.event(eventID(audit.EventConcluded, r.Key), audit.EventConcluded, "run/"+r.Key, map[string]any{
			"run": r.Key, "started_at": instant(r.StartedAt), "finished_at": instant(r.FinishedAt),
		}))
	}
	return o.writeNew(ctx, events)
}

// writeNew writes those of the events that this process has not written yet.
func (o *Outbox) writeNew(ctx context.Context, events []audit.Event) error {
	var fresh []audit.Event
	for _, e := range events {
		if _, written := o.written.Load(e.ID); !written {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := o.Ledger.WriteEvents(ctx, fresh); err != nil {
		return err
	}
	for _, e := range fresh {
		o.written.Store(e.ID, true)
	}
	return nil
}

func (o *Outbox) accountEvent(kind audit.EventType, r audit.Reading) audit.Event {
	data := map[string]any{
		"account_id": r.AccountID, "tenant_id": r.TenantID, "provider": r.Provider, "verdict": string(r.Verdict), "two_factor": string(r.TwoFactor),
		"since": instant(r.Since),
	}
	if r.Shadow {
		data["shadow"] = true
	}
	e := o.event(eventID(kind, r.AccountID, string(r.Verdict), instant(r.Since), strconv.FormatBool(r.Shadow)), kind, "account/"+r.AccountID, data)
	e.AccountID, e.TenantID, e.Verdict, e.Since, e.Shadow = r.AccountID, r.TenantID, r.Verdict, r.Since, r.Shadow
	return e
}

func (o *Outbox) event(id string, kind audit.EventType, subject string, data map[string]any) audit.Event {
	text, _ := json.Marshal(data) // texts and flags always marshal
	return audit.Event{ID: id, Type: kind, Subject: subject, Data: string(text), At: o.Now()}
}

// eventID is the same for the same news, whoever finds it and however often.
func eventID(kind audit.EventType, parts ...string) string {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + strings.Join(parts, "\x00")))
	return "evt_" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
