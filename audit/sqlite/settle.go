package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"mailaudit/audit"
)

func (s *Store) Settle(ctx context.Context, run audit.Run, settlements []audit.Settlement, drafts []audit.Draft) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		var concluding bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE run_key = ? AND phase = 'concluding')`,
			run.Key).Scan(&concluding); err != nil || !concluding {
			return err
		}
		settling, err := tx.PrepareContext(ctx, settleState)
		if err != nil {
			return err
		}
		defer settling.Close()
		changing, err := tx.PrepareContext(ctx, insertChange)
		if err != nil {
			return err
		}
		defer changing.Close()
		if err := dropRenumbered(ctx, tx, run, settlements); err != nil {
			return err
		}
		settled := map[string]bool{}
		for _, st := range settlements {
			fresh, err := settleOne(ctx, settling, run, st.State)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			settled[st.State.AccountID] = true
			if st.Change != nil {
				if err := writeChange(ctx, changing, *st.Change); err != nil {
					return err
				}
			}
			if st.Note != nil {
				if err := insertNote(ctx, tx, run.Key, *st.Note); err != nil {
					return err
				}
			}
		}
		for _, d := range drafts {
			if !settled[d.Item.AccountID] {
				continue
			}
			if err := insertDraft(ctx, tx, run, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle run %s: %w", run.Key, err)
	}
	return nil
}

// settleState leaves a state alone that a later run has recorded: it is that run's to settle.
var settleState = `UPDATE account_states SET
		tenant_id = ?, tenant_name = ?, address = ?, provider = ?, brand = ?,
		verdict = ?, two_factor = ?, certainty = ?, actor = ?, since = ?, rule = ?, reply = ?, reason = ?, nights = ?, night_at = ?,
		fingerprint = ?, accepted_fingerprint = ?, definite_at = ?, seen_at = ?, unverified_since = ?, settled_seq = ?,
		mended_verdict = ?, mended_at = ?, tried_fingerprint = ?, accepted_binding = ?, attested = ?
		WHERE account_id = ? AND settled_seq < ? AND ` + notNewer("?")

func settleOne(ctx context.Context, settling *sql.Stmt, run audit.Run, s audit.State) (bool, error) {
	res, err := settling.ExecContext(ctx, s.TenantID, s.TenantName, s.Address, s.Provider, s.Brand,
		string(s.Verdict), string(s.TwoFactor), string(s.Certainty), string(s.Actor), micros(s.Since), s.Rule, s.Reply, s.Reason, s.Nights, micros(s.NightAt),
		s.Fingerprint, s.AcceptedFingerprint, micros(s.DefiniteAt), micros(s.SeenAt), micros(s.UnverifiedSince), s.SettledSeq,
		string(s.Remedied), micros(s.RemediedAt), s.Tried, s.Binding, s.Attested.Text(),
		s.AccountID, run.Seq, run.Seq)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// dropRenumbered drops the steps that the run itself wrote of accounts that it renumbered, where the settlement writes one.
func dropRenumbered(ctx context.Context, tx *sql.Tx, run audit.Run, settlements []audit.Settlement) error {
	var changed []string
	for _, st := range settlements {
		if st.Change != nil {
			changed = append(changed, st.State.AccountID)
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM verdict_changes WHERE seq = ?1 AND account_id IN (SELECT value FROM json_each(?2))
		AND account_id IN (SELECT new_id FROM renumbered WHERE run_key = ?3)
		AND EXISTS (SELECT 1 FROM account_states s WHERE s.account_id = verdict_changes.account_id AND s.settled_seq < ?1)`, run.Seq, array(changed), run.Key)
	return err
}

func (s *Store) Note(ctx context.Context, run audit.Run, notes []audit.Finding) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var concluding bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE run_key = ? AND phase = 'concluding')`,
			run.Key).Scan(&concluding); err != nil || !concluding {
			return err
		}
		for _, note := range notes {
			if err := insertNote(ctx, tx, run.Key, note); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note accounts of run %s: %w", run.Key, err)
	}
	return nil
}

const insertChange = `INSERT INTO verdict_changes (account_id, seq, run_key, tenant_id, tenant_name, address, provider,
	verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

func writeChange(ctx context.Context, changing *sql.Stmt, c audit.Change) error {
	_, err := changing.ExecContext(ctx, c.AccountID, c.Seq, c.RunKey, c.TenantID, c.TenantName, c.Address, c.Provider,
		string(c.Verdict), string(c.Previous), string(c.TwoFactor), string(c.Certainty), string(c.Actor), micros(c.Since), c.Rule, c.Reply, c.Reason, c.Attested.Text())
	return err
}

func insertNote(ctx context.Context, tx *sql.Tx, key string, f audit.Finding) error {
	note, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO run_notes (run_key, account_id, finding) VALUES (?, ?, ?)`, key, f.AccountID, string(note))
	return err
}

// insertDraft joins the account to the run's mail for its tenant, contact, provider and purpose. A mail
// that holds a new finding is no mere reminder.
func insertDraft(ctx context.Context, tx *sql.Tx, run audit.Run, d audit.Draft) error {
	var id int64
	err := tx.QueryRowContext(ctx, `INSERT INTO notices
		(run_key, purpose, kind, tenant_id, contact_email, provider, state, created_at, thread) VALUES (?, ?, ?, ?, ?, ?, 'forming', ?, ?)
		ON CONFLICT (run_key, tenant_id, contact_email, provider, purpose) DO UPDATE SET
			kind = CASE WHEN excluded.kind = 'finding' THEN 'finding' ELSE notices.kind END,
			thread = CASE WHEN notices.thread = 0 THEN excluded.thread ELSE notices.thread END
		RETURNING notice_id`,
		run.Key, d.Purpose(), string(d.Kind), d.TenantID, d.ContactEmail, d.Provider, micros(run.StartedAt), d.Thread).Scan(&id)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO notice_items (notice_id, account_id, verdict, since, step) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, id, d.Item.AccountID, string(d.Item.Verdict), micros(d.Item.Since), d.Item.Step)
	return err
}
