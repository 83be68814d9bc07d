package report

import (
	"context"
	"time"

	"mailaudit/audit"
)

// Source is what a report reads. An [audit.Store] is one.
type Source interface {
	// LoadRun returns audit.ErrNoRun if there is none.
	LoadRun(ctx context.Context, key string) (audit.Run, error)
	// ListRuns returns runs by descending start, at most limit.
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	// ConcludedBefore returns the last concluded run of the whole source before seq; audit.ErrNoRun if none.
	ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error)
	// Findings calls each for every account of the run by ascending id.
	Findings(ctx context.Context, run audit.Run, each func(audit.Finding) error) error
	// CountNotices counts a run's notices by state.
	CountNotices(ctx context.Context, key string) (map[audit.NoticeState]int, error)
	// ListNotices returns notices of a run, at most limit; state "" is any.
	ListNotices(ctx context.Context, key string, state audit.NoticeState, limit int) ([]audit.Notice, error)
	// DueNotices returns queued notices of all runs that are due by t, at most limit.
	DueNotices(ctx context.Context, t time.Time, limit int) ([]audit.Notice, error)
}

var _ Source = audit.Store(nil)
