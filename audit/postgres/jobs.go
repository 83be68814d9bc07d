package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Clock is the time by the server's clock.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	now, err := one(ctx, s.pool, pgx.RowTo[time.Time], `SELECT clock_timestamp()`)
	if err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", err)
	}
	return now, nil
}

// ReleaseMailJobs has the jobs of queued notices tried again that are marked as running for longer than d: who began them
// is dead, or could not note their end.
func (s *Store) ReleaseMailJobs(ctx context.Context, d time.Duration) error {
	return s.exec(ctx, "release jobs", `UPDATE `+Schema+`.river_job SET state = 'available', scheduled_at = now()
		WHERE state = 'running' AND kind = 'send_notice' AND attempted_at < now() - make_interval(secs => $1)
		AND (args->>'notice')::bigint IN (SELECT notice_id FROM mailaudit.notices WHERE state = 'queued')`, d.Seconds())
}

// RetryJobs has the jobs that wait after a failure tried at once, as a start promises. Jobs that run are
// left alone: other processes may be at work. River has those whose wait is shorter than its scheduler's turn
// of 5 s stand as available from their time on.
func (s *Store) RetryJobs(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `UPDATE `+Schema+`.river_job SET state = 'available', scheduled_at = now()
		WHERE state = 'retryable' OR state = 'available' AND scheduled_at > now()`)
	if err != nil {
		return fmt.Errorf("try again what failed: %w", err)
	}
	return nil
}
