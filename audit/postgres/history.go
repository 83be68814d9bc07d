package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

func (s *Store) History(ctx context.Context, id string) (audit.History, error) {
	var h audit.History
	former, err := s.formerIDs(ctx, id)
	if err != nil {
		return h, err
	}
	if h.Changes, err = s.changes(ctx, `account_id = $1 OR account_id = ANY($2) AND verdict <> 'gone' ORDER BY seq`, id, list(former)); err != nil {
		return h, fmt.Errorf("read history of account %s: %w", id, err)
	}
	if h.Notes, err = s.notesOf(ctx, id, former); err != nil {
		return h, fmt.Errorf("read nights of account %s: %w", id, err)
	}
	if h.ByTraffic, err = s.trafficOf(ctx, append(former, id)); err != nil {
		return h, fmt.Errorf("read nights of account %s: %w", id, err)
	}
	h.Notices, err = s.notices(ctx, `notice_id IN (SELECT notice_id FROM mailaudit.notice_items WHERE account_id = $1) ORDER BY notice_id`, id)
	return h, err
}

func (s *Store) ChangesAfter(ctx context.Context, id string, seq int64, limit int) ([]audit.Change, error) {
	return s.changes(ctx, `(account_id, seq) > ($1, $2) ORDER BY account_id, seq LIMIT $3`, id, seq, limit)
}

func (s *Store) changes(ctx context.Context, where string, args ...any) ([]audit.Change, error) {
	return collect(ctx, s.pool, func(row pgx.CollectableRow) (audit.Change, error) {
		var c audit.Change
		err := row.Scan(&c.AccountID, &c.Seq, &c.RunKey, &c.TenantID, &c.TenantName, &c.Address, &c.Provider,
			&c.Verdict, &c.Previous, &c.TwoFactor, &c.Certainty, &c.Actor, scanTime{&c.Since}, &c.Rule, &c.Reply, &c.Reason, scanAttested{&c.Attested})
		return c, err
	}, `SELECT account_id, seq, run_key, tenant_id, tenant_name, address, provider,
			verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested
		FROM mailaudit.verdict_changes WHERE `+where, args...)
}

// notesOf looks each run's note up by its key: there are few runs and many notes.
func (s *Store) notesOf(ctx context.Context, id string, former []string) (map[string]audit.Finding, error) {
	notes := map[string]audit.Finding{}
	_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (struct{}, error) {
		var key, note string
		err := row.Scan(&key, &note)
		notes[key] = audit.ReadNote(id, note)
		return struct{}{}, err
	}, `SELECT n.run_key, n.finding::text FROM mailaudit.runs r CROSS JOIN LATERAL (
		SELECT run_key, finding FROM mailaudit.run_notes WHERE run_key = r.run_key AND account_id = ANY($1) LIMIT 1) n`, append(former, id))
	return notes, err
}

// trafficOf are the runs that did not ask an account, for the product had sent mail.
func (s *Store) trafficOf(ctx context.Context, ids []string) (map[string]bool, error) {
	keys, err := collect(ctx, s.pool, pgx.RowTo[string], `SELECT run_key FROM mailaudit.by_traffic WHERE ids && $1::text[]`, ids)
	runs := make(map[string]bool, len(keys))
	for _, key := range keys {
		runs[key] = true
	}
	return runs, err
}
