package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
)

func (s *Store) Failing(ctx context.Context, after string, limit int) ([]audit.State, error) {
	return s.states(ctx, "read failing accounts", `verdict IN (SELECT value FROM json_each(?))
		AND account_id > ? ORDER BY account_id LIMIT ?`, failing, after, limit)
}

func (s *Store) Accepted(ctx context.Context, provider, after string, limit int) ([]audit.State, error) {
	return s.states(ctx, "read accepted accounts", `provider = ? AND verdict IN ('compliant', 'unproven') AND unverified_since IS NULL
		AND account_id > ? ORDER BY account_id LIMIT ?`, provider, after, limit)
}

func (s *Store) Remedy(ctx context.Context, states []audit.State) ([]string, error) {
	var remedied []string
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, st := range states {
			res, err := tx.ExecContext(ctx, `UPDATE account_states SET
				verdict = ?, two_factor = ?, certainty = ?, actor = ?, since = ?, rule = ?, reply = ?, reason = ?, nights = ?, night_at = ?,
				fingerprint = ?, accepted_fingerprint = ?, definite_at = ?, seen_at = NULL, unverified_since = NULL,
				mended_verdict = ?, mended_at = ?, tried_fingerprint = '', accepted_binding = ?, attested = ?
				WHERE account_id = ? AND settled_seq = ? AND verdict = ?`,
				string(st.Verdict), string(st.TwoFactor), string(st.Certainty), string(st.Actor), micros(st.Since), st.Rule, st.Reply, st.Reason,
				st.Nights, micros(st.NightAt), st.Fingerprint, st.AcceptedFingerprint, micros(st.DefiniteAt),
				string(st.Remedied), micros(st.RemediedAt), st.Binding, st.Attested.Text(), st.AccountID, st.SettledSeq, string(st.Remedied))
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 1 {
				remedied = append(remedied, st.AccountID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("record acceptances: %w", err)
	}
	return remedied, nil
}

func (s *Store) Tried(ctx context.Context, prints map[string]string) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for id, fingerprint := range prints {
			if _, err := tx.ExecContext(ctx, `UPDATE account_states SET tried_fingerprint = ? WHERE account_id = ?`, fingerprint, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note tried secrets: %w", err)
	}
	return nil
}

func (s *Store) SeenAgain(ctx context.Context, states []audit.State) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, st := range states {
			if _, err := tx.ExecContext(ctx, `UPDATE account_states SET seen_at = ? WHERE account_id = ? AND settled_seq = ? AND verdict = ?`,
				micros(st.SeenAt), st.AccountID, st.SettledSeq, string(st.Settled.Verdict)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note refusals: %w", err)
	}
	return nil
}

func (s *Store) Enqueue(ctx context.Context, occasion string, n audit.Notice) (id int64, added bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `INSERT INTO notices
			(run_key, purpose, kind, tenant_id, contact_email, provider, state, detail, due_at, created_at, thread, recipient, recipient_domain)
			VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING notice_id`,
			occasion, string(n.Kind), n.TenantID, n.ContactEmail, n.Provider, string(n.State), n.Detail,
			micros(n.DueAt), micros(n.CreatedAt), n.Thread, n.Recipient, n.Domain).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return tx.QueryRowContext(ctx, `SELECT notice_id FROM notices WHERE run_key = '' AND purpose = ? AND tenant_id = ?
				AND contact_email = ? AND provider = ?`, occasion, n.TenantID, n.ContactEmail, n.Provider).Scan(&id)
		}
		if err != nil {
			return err
		}
		added = true
		for _, item := range n.Items {
			if _, err := tx.ExecContext(ctx, `INSERT INTO notice_items (notice_id, account_id, verdict, since, step) VALUES (?, ?, ?, ?, ?)`,
				id, item.AccountID, string(item.Verdict), micros(item.Since), item.Step); err != nil {
				return err
			}
		}
		if n.State == audit.NoticeShadowed {
			return told(ctx, tx, id, n.CreatedAt, true)
		}
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("write notice: %w", err)
	}
	return id, added, nil
}

func (s *Store) Reschedule(ctx context.Context, id int64, due time.Time) error {
	return s.exec(ctx, "reschedule notice", `UPDATE notices SET due_at = ? WHERE notice_id = ? AND state = 'queued'`, micros(due), id)
}

func (s *Store) Prolong(ctx context.Context, key string, deadline time.Time) error {
	return s.exec(ctx, "prolong run", `UPDATE runs SET deadline = max(deadline, ?) WHERE run_key = ? AND phase <> 'done'`, micros(deadline), key)
}
