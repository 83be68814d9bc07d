package sqlite

import (
	"context"

	"mailaudit/audit"
	"mailaudit/audit/history"
)

// Findings lays the run's own notes over the history as it stood at that run, in pages. Of a run that is
// still asking it gives tonight's results so far.
func (s *Store) Findings(ctx context.Context, run audit.Run, each func(audit.Finding) error) error {
	return history.WalkFindings(run, history.FindingParts{
		Tonight: func(after string) ([]audit.State, error) {
			return s.states(ctx, "read tonight's results", `run_key = ? AND account_id > ? ORDER BY account_id LIMIT ?`, run.Key, after, history.FindingsPage)
		},
		Notes: func(after string) ([]audit.Finding, error) {
			return s.NotesAfter(ctx, run.Key, after, history.FindingsPage)
		},
		History: func(after string) ([]audit.Finding, error) { return s.history(ctx, run.Seq, after) },
		Traffic: func() ([]string, error) { return s.byTraffic(ctx, run.Key) },
		Notices: func(page []audit.Finding) error { return s.noticeStates(ctx, run.Key, page) },
	}, each)
}

func (s *Store) NotesAfter(ctx context.Context, key, after string, limit int) ([]audit.Finding, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, finding FROM run_notes
		WHERE run_key = ? AND account_id > ? ORDER BY account_id LIMIT ?`, key, after, limit)
	return collect(rows, err, func(row scanner) (audit.Finding, error) {
		var id, note string
		err := row.Scan(&id, &note)
		return audit.ReadNote(id, note), err
	})
}

func (s *Store) history(ctx context.Context, seq int64, after string) ([]audit.Finding, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, seq, tenant_id, tenant_name, address, provider,
			verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested
		FROM verdict_changes c
		WHERE account_id > ?1 AND verdict <> 'gone'
			AND seq = (SELECT max(seq) FROM verdict_changes WHERE account_id = c.account_id AND seq <= ?2)
		ORDER BY account_id LIMIT ?3`, after, seq, history.FindingsPage)
	return collect(rows, err, func(row scanner) (audit.Finding, error) {
		f := audit.Finding{Notice: audit.NoticeNone}
		var changed int64
		err := row.Scan(&f.AccountID, &changed, &f.TenantID, &f.TenantName, &f.Address, &f.Provider,
			&f.Verdict, &f.Previous, &f.TwoFactor, &f.Certainty, &f.Actor, scanTime{&f.Since}, &f.Rule, &f.Reply, &f.Reason, scanAttested{&f.Attested})
		switch {
		case changed < seq:
			f.Previous = f.Verdict
		case f.Previous == audit.Gone:
			f.Previous = ""
		}
		return f, err
	})
}

func (s *Store) noticeStates(ctx context.Context, key string, page []audit.Finding) error {
	if len(page) == 0 {
		return nil
	}
	rows, err := s.db.QueryContext(ctx, `SELECT i.account_id, n.state FROM notices n JOIN notice_items i USING (notice_id)
		WHERE n.run_key = ?1 AND i.account_id >= ?2 AND i.account_id <= ?3
		UNION ALL SELECT r.former_id, n.state FROM renumbered r JOIN notice_items i ON i.account_id = r.new_id JOIN notices n USING (notice_id)
		WHERE n.run_key = ?1 AND r.former_id >= ?2 AND r.former_id <= ?3`, key, page[0].AccountID, page[len(page)-1].AccountID)
	if err != nil {
		return err
	}
	defer rows.Close()
	states := map[string]audit.NoticeState{}
	for rows.Next() {
		var id string
		var state audit.NoticeState
		if err := rows.Scan(&id, &state); err != nil {
			return err
		}
		states[id] = state
	}
	for i := range page {
		if state, ok := states[page[i].AccountID]; ok {
			page[i].Notice = state.Shown()
		}
	}
	return rows.Err()
}

// byTraffic are the accounts that a run did not ask, for the product had sent mail.
func (s *Store) byTraffic(ctx context.Context, key string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT value FROM by_traffic, json_each(ids) WHERE run_key = ?`, key)
	return collect(rows, err, scanText)
}
