package app

import (
	"context"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// play plays run after run, and the deliveries between them.
func (st *stage) play(ctx context.Context, until time.Time) (Rehearsed, error) {
	var err error
	if st.worker, err = st.app.NewWorker(); err != nil {
		return st.out, err
	}
	st.out.From, st.out.Stopped = st.now, map[string]string{}
	st.out.Mode = st.app.Auditor.Outbox.Policy.Mode
	before, err := st.app.Store.ListNotices(ctx, "", "", 1)
	if err != nil {
		return st.out, err
	}
	last := int64(0)
	if len(before) > 0 {
		last = before[0].ID
	}
	waiting, err := st.app.Store.ListNotices(ctx, "", audit.NoticeQueued, rehearsedAtMost)
	if err != nil {
		return st.out, err
	}
	opened := map[string]bool{}
	if _, err := st.newHolds(ctx, opened); err != nil {
		return st.out, err
	}
	for next := st.next(ctx, st.now); next.Before(until); next = st.next(ctx, next) {
		if err := st.deliver(ctx, next); err != nil {
			return st.out, err
		}
		st.now = next
		if err := st.night(ctx); err != nil {
			return st.out, err
		}
		holds, err := st.newHolds(ctx, opened)
		if err != nil {
			return st.out, err
		}
		st.out.Holds = append(st.out.Holds, holds...)
		if err := st.late(ctx); err != nil {
			return st.out, err
		}
		st.out.Runs++
	}
	if err := st.deliver(ctx, until); err != nil {
		return st.out, err
	}
	return st.out, st.collect(ctx, last, waiting)
}

const rehearsedAtMost = 200_000

// next is when the next run begins: by the schedule, else a day after the last.
func (st *stage) next(ctx context.Context, after time.Time) time.Time {
	if slot, ok := (Slots{st.app.Config.Schedule, st.app.Config.TimeZone}).Next(after); ok {
		return slot.At
	}
	if st.out.Runs == 0 {
		if runs, err := st.app.Store.ListRuns(ctx, 1, false); err == nil && len(runs) > 0 {
			at := runs[0].StartedAt
			for !at.After(after) {
				at = at.AddDate(0, 0, 1)
			}
			return at
		}
	}
	return after.AddDate(0, 0, 1)
}

// night plays a run to its end.
func (st *stage) night(ctx context.Context) error {
	key := NightKey(st.now, st.app.Config.Window, st.app.Config.TimeZone)
	if _, _, err := st.app.Auditor.Night.Begin(ctx, key, audit.Scope{}); err != nil {
		return err
	}
	st.now = st.now.Add(time.Minute) // its mails leave later than it began: the cadence counts from then
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		run, err := st.app.Store.LoadRun(ctx, key)
		if err != nil {
			return err
		}
		if run.Status == audit.RunStopped {
			st.out.Stopped[key] = run.StopReason
			return nil
		}
		if !run.Open() {
			if err := st.app.Store.Posting(ctx, key, time.Time{}, st.now); err != nil {
				return err
			}
			return st.app.Store.Posted(ctx, key, "rehearsed", st.now)
		}
		tasks, err := st.app.Auditor.Night.RunTasks(ctx, run)
		if err != nil {
			return err
		}
		if len(tasks) == 0 { // what is tried again waits
			st.now = st.now.Add(max(time.Minute, st.app.Config.RetryAfter/4))
		}
		for _, task := range tasks {
			switch task.Kind {
			case audit.TaskPlan:
				_, err = st.worker.Plan(ctx, key)
			case audit.TaskVerify:
				_, err = st.worker.Verify(ctx, key, task.Batch)
			case audit.TaskConclude:
				_, err = st.worker.Conclude(ctx, key)
			}
			if err != nil {
				return fmt.Errorf("run %s: %w", key, err)
			}
		}
	}
}

// deliver plays the hours until the next run.
func (st *stage) deliver(ctx context.Context, until time.Time) error {
	for ; st.now.Before(until); st.now = st.now.Add(time.Hour) {
		for done := map[audit.Task]bool{}; ; {
			tasks, err := st.app.Auditor.Outbox.DueNotices(ctx, st.app.Caps())
			if err != nil {
				return err
			}
			fresh := false
			for _, task := range tasks {
				if done[task] {
					continue
				}
				done[task], fresh = true, true
				if task.Kind == audit.TaskRecheck {
					err = st.worker.Recheck(ctx, task.Notice)
				} else {
					err = st.worker.Notify(ctx, task.Notice)
				}
				if err != nil {
					return err
				}
			}
			if !fresh {
				break
			}
		}
	}
	return nil
}

// newHolds are the open holds that were not there before.
func (st *stage) newHolds(ctx context.Context, known map[string]bool) ([]audit.Hold, error) {
	open, err := st.app.Store.OpenHolds(ctx)
	var fresh []audit.Hold
	for _, h := range open {
		if name := h.RunKey + " " + h.Provider; !known[name] {
			known[name] = true
			fresh = append(fresh, h)
		}
	}
	return fresh, err
}

// late looks once whom the caps keep from hearing of the change in time, when its first warnings are written.
func (st *stage) late(ctx context.Context) error {
	if st.change == nil || st.out.Late != nil {
		return nil
	}
	w, due := decide.WarningDue(*st.change, st.now)
	if !due {
		return nil
	}
	late, err := st.app.Auditor.Outbox.LateWarnings(ctx, w)
	if err == nil && late.Customers > 0 {
		st.out.Late = &LateWarnings{late.Customers, late.Needed, late.Days, late.DaysNeeded}
	}
	return err
}

// collect reads what was written and what became of it.
func (st *stage) collect(ctx context.Context, last int64, waiting []audit.Notice) error {
	all, err := st.app.Store.ListNotices(ctx, "", "", rehearsedAtMost)
	if err != nil {
		return err
	}
	was := map[int64]bool{}
	for _, n := range waiting {
		was[n.ID] = true
	}
	for _, n := range all {
		if n.ID <= last && !was[n.ID] {
			continue
		}
		switch n.State {
		case audit.NoticeSent, audit.NoticeShadowed:
			st.out.Mails = append(st.out.Mails, n)
		case audit.NoticeQueued:
			st.out.Queued = append(st.out.Queued, n)
		}
	}
	return nil
}
