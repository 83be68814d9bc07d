package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
	"mailaudit/audit/history"
)

// Findings lays the run's own notes over the history as it stood at that run, in pages. Of a run that is
// still asking it gives tonight's results so far.
func (s *Store) Findings(ctx context.Context, run audit.Run, each func(audit.Finding) error) error {
	return history.WalkFindings(run, history.FindingParts{
		Tonight: func(after string) ([]audit.State, error) {
			return s.states(ctx, "read tonight's results", `run_key = $1 AND account_id > $2 ORDER BY account_id LIMIT $3`, run.Key, after, history.FindingsPage)
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
	return collect(ctx, s.pool, func(row pgx.CollectableRow) (f audit.Finding, err error) {
		var id, note string
		err = row.Scan(&id, &note)
		return audit.ReadNote(id, note), err
	}, `SELECT account_id, finding::text FROM mailaudit.run_notes
		WHERE run_key = $1 AND account_id > $2 ORDER BY account_id LIMIT $3`, key, after, limit)
}

func (s *Store) history(ctx context.Context, seq int64, after string) ([]audit.Finding, error) {
	return collect(ctx, s.pool, func(row pgx.CollectableRow) (audit.Finding, error) {
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
	}, `SELECT account_id, seq, tenant_id, tenant_name, address, provider,
			verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested
		FROM mailaudit.verdict_changes c
		WHERE account_id > $1 AND verdict <> 'gone'
			AND seq = (SELECT max(seq) FROM mailaudit.verdict_changes WHERE account_id = c.account_id AND seq <= $2)
		ORDER BY account_id LIMIT $3`, after, seq, history.FindingsPage)
}

func (s *Store) noticeStates(ctx context.Context, key string, page []audit.Finding) error {
	if len(page) == 0 {
		return nil
	}
	type shown struct {
		id    string
		state audit.NoticeState
	}
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (n shown, err error) {
		err = row.Scan(&n.id, &n.state)
		return n, err
	}, `SELECT i.account_id, n.state FROM mailaudit.notice_items i JOIN mailaudit.notices n USING (notice_id)
		WHERE i.account_id = ANY($1) AND n.run_key = $2
		UNION ALL SELECT r.former_id, n.state FROM mailaudit.renumbered r JOIN mailaudit.notice_items i ON i.account_id = r.new_id
		JOIN mailaudit.notices n USING (notice_id) WHERE r.former_id = ANY($1) AND n.run_key = $2`, column(page, func(f audit.Finding) string { return f.AccountID }), key)
	if err != nil {
		return err
	}
	states := make(map[string]audit.NoticeState, len(all))
	for _, n := range all {
		states[n.id] = n.state
	}
	for i := range page {
		if state, ok := states[page[i].AccountID]; ok {
			page[i].Notice = state.Shown()
		}
	}
	return nil
}

// byTraffic are the accounts that a run did not ask, for the product had sent mail.
func (s *Store) byTraffic(ctx context.Context, key string) ([]string, error) {
	return collect(ctx, s.pool, pgx.RowTo[string], `SELECT unnest(ids) FROM mailaudit.by_traffic WHERE run_key = $1`, key)
}
