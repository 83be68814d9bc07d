package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// insistFor is how long a cut connection is met by another: shorter than a stop waits for what is under way.
	insistFor   = 15 * time.Second
	insistAfter = 100 * time.Millisecond // doubled at each try
)

// retry is exec for what may be stored twice and costs a customer's attempt where it is lost: what a provider
// has said. It is tried again as long as the database may come back soon.
func (s *Store) retry(ctx context.Context, doing, query string, args ...any) error {
	until := time.Now().Add(insistFor)
	for pause := insistAfter; ; pause *= 2 {
		err := s.exec(ctx, doing, query, args...)
		if err == nil || !passing(err) || time.Now().Add(pause).After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// passing reports whether an error speaks of the way to the database, or of its state, and not of the statement.
// The classes are those of the PostgreSQL manual's appendix A.
func passing(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return true // the connection went, or never came
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "53", "57": // connection exception, insufficient resources, operator intervention
		return true
	}
	return pg.Code == "25006" // a server that has just become the reserve reads only
}
