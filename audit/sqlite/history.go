package sqlite

import (
	"context"
	"fmt"

	"mailaudit/audit"
)

func (s *Store) History(ctx context.Context, id string) (audit.History, error) {
	var h audit.History
	former, err := s.formerIDs(ctx, id)
	if err != nil {
		return h, err
	}
	if h.Changes, err = s.changes(ctx, `account_id = ?1 OR account_id IN (SELECT value FROM json_each(?2)) AND verdict <> 'gone' ORDER BY seq`, id, array(former)); err != nil {
		return h, fmt.Errorf("read history of account %s: %w", id, err)
	}
	if h.Notes, err = s.notesOf(ctx, id, former); err != nil {
		return h, fmt.Errorf("read nights of account %s: %w", id, err)
	}
	if h.ByTraffic, err = s.trafficOf(ctx, append(former, id)); err != nil {
		return h, fmt.Errorf("read nights of account %s: %w", id, err)
	}
	h.Notices, err = s.notices(ctx, `notice_id IN (SELECT notice_id FROM notice_items WHERE account_id = ?) ORDER BY notice_id`, id)
	return h, err
}

func (s *Store) ChangesAfter(ctx context.Context, id string, seq int64, limit int) ([]audit.Change, error) {
	return s.changes(ctx, `(account_id, seq) > (?, ?) ORDER BY account_id, seq LIMIT ?`, id, seq, limit)
}

func (s *Store) changes(ctx context.Context, where string, args ...any) ([]audit.Change, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, seq, run_key, tenant_id, tenant_name, address, provider,
			verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested
		FROM verdict_changes WHERE `+where, args...)
	return collect(rows, err, func(row scanner) (audit.Change, error) {
		var c audit.Change
		err := row.Scan(&c.AccountID, &c.Seq, &c.RunKey, &c.TenantID, &c.TenantName, &c.Address, &c.Provider,
			&c.Verdict, &c.Previous, &c.TwoFactor, &c.Certainty, &c.Actor, scanTime{&c.Since}, &c.Rule, &c.Reply, &c.Reason, scanAttested{&c.Attested})
		return c, err
	})
}

func (s *Store) notesOf(ctx context.Context, id string, former []string) (map[string]audit.Finding, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT n.run_key, n.finding FROM runs r CROSS JOIN run_notes n
		ON n.run_key = r.run_key AND n.account_id IN (SELECT value FROM json_each(?))`, array(append(former, id)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	notes := map[string]audit.Finding{}
	for rows.Next() {
		var key, note string
		if err := rows.Scan(&key, &note); err != nil {
			return nil, err
		}
		notes[key] = audit.ReadNote(id, note)
	}
	return notes, rows.Err()
}

// trafficOf are the runs that did not ask an account, for the product had sent mail.
func (s *Store) trafficOf(ctx context.Context, ids []string) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT run_key FROM by_traffic WHERE EXISTS (SELECT 1 FROM json_each(ids) WHERE value IN (SELECT value FROM json_each(?)))`, array(ids))
	keys, err := collect(rows, err, scanText)
	runs := make(map[string]bool, len(keys))
	for _, key := range keys {
		runs[key] = true
	}
	return runs, err
}
