package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
)

// TrendNights is how far back a trend goes.
const TrendNights = 28

// trendFrom is from how many nights on a trend says anything.
const trendFrom = 7

// runsRead is more than TrendNights, since narrowed and unfinished runs lie between.
const runsRead = 3 * TrendNights

// Point is one night of the trend.
type Point struct {
	Key       string
	At        time.Time // the run's start
	Accounts  int
	Verified  int
	Open      int
	New, Back int
}

// readTrend returns the concluded runs of the whole source up to this one, oldest first.
func readTrend(ctx context.Context, src Source, run audit.Run) ([]Point, error) {
	points, more, err := trendWithin(ctx, src, run, TrendNights)
	if err == nil && more {
		points, _, err = trendWithin(ctx, src, run, runsRead)
	}
	return points, err
}

// trendWithin is readTrend from the last so many runs, and whether earlier ones may have more points.
func trendWithin(ctx context.Context, src Source, run audit.Run, limit int) (points []Point, more bool, err error) {
	runs, err := src.ListRuns(ctx, limit, false)
	if err != nil {
		return nil, false, fmt.Errorf("list earlier runs: %w", err)
	}
	for _, r := range runs {
		if r.Seq > run.Seq || r.Status != audit.RunConcluded || !r.Scope.Whole() || r.Numbers == nil || len(points) == TrendNights {
			continue
		}
		points = append(points, Point{
			Key: r.Key, At: r.StartedAt, Accounts: r.Numbers.Accounts, Verified: r.Numbers.Verified, Open: r.Numbers.Open,
			New: r.Numbers.Changes.NewlyFailing, Back: r.Numbers.Changes.Recovered,
		})
	}
	slices.Reverse(points)
	return points, len(runs) == limit && len(points) < TrendNights, nil
}

var bars = []rune("▁▂▃▄▅▆▇█")

// Sparkline draws values as a row of bars, the lowest and the highest of them setting the scale.
func Sparkline(values []int) string {
	if len(values) == 0 {
		return ""
	}
	low, high := slices.Min(values), slices.Max(values)
	var out strings.Builder
	for _, v := range values {
		at := 0
		if high > low {
			at = (v - low) * (len(bars) - 1) / (high - low)
		}
		out.WriteRune(bars[at])
	}
	return out.String()
}

// Opens are the open findings of each night of the trend.
func (s *Summary) Opens() []int {
	values := make([]int, len(s.Trend))
	for i, p := range s.Trend {
		values[i] = p.Open
	}
	return values
}

// TrendLine is the trend in one line: "open findings, 28 nights: ▂▂▃ 80 to 93"; "" below a week.
func (s *Summary) TrendLine() string {
	values := s.Opens()
	if len(values) < trendFrom {
		return ""
	}
	return fmt.Sprintf("open findings, %d runs: %s %s to %s", len(values), Sparkline(values), Count(slices.Min(values)), Count(slices.Max(values)))
}
