package queue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// backoff waits 1, 2, 4 ... 60 seconds after failures. River's own policy waits attempt^4 seconds, which
// is longer than a night.
type backoff struct{}

func (backoff) NextRetry(job *rivertype.JobRow) time.Time {
	const most = time.Minute
	wait := most
	if n := len(job.Errors); n < 6 {
		wait = min(most, time.Second<<n)
	}
	return time.Now().Add(wait)
}

// failures logs what a job could not do. The error is told by the step that failed; arguments hold no secrets.
type failures struct{ log *slog.Logger }

func (f *failures) HandleError(_ context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.Warn("job failed, it will be tried again", "job", job.Kind, "id", job.ID, "attempt", job.Attempt, "err", err)
	return nil
}

func (f *failures) HandlePanic(_ context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	f.log.Error("job panicked, it will be tried again", "job", job.Kind, "id", job.ID, "panic", fmt.Sprintf("%T", value), "trace", trace)
	return nil
}
