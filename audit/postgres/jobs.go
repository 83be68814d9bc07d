package postgres

import (
	"context"
	"fmt"
)

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
