package app

import (
	"context"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/report"
	"mailaudit/report/notice"
)

// LastNotified is what reports say of an account's notices. A shadow notice was sent to nobody.
func (a *App) LastNotified(told audit.Told) report.Told {
	if told.Step == 0 || told.Shadow {
		return report.Told{}
	}
	out := report.Told{LastNotified: told.At, NextReminder: decide.ReminderDue(a.Cadence(), told)}
	if told.NoticeID > 0 {
		out.Number = notice.Reference(told.NoticeID)
	}
	return out
}

// notified looks up [App.LastNotified] for a report.
func (a *App) notified(ctx context.Context, accountIDs []string) (map[string]report.Told, error) {
	states, err := a.Store.LoadStates(ctx, accountIDs)
	if err != nil {
		return nil, err
	}
	told := make(map[string]report.Told, len(states))
	for id, st := range states {
		told[id] = a.LastNotified(st.Told)
	}
	return told, nil
}
