package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

func (s *Store) Settle(ctx context.Context, run audit.Run, settlements []audit.Settlement, drafts []audit.Draft) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// Whoever concludes settles alone, and not after the end.
		tag, err := tx.Exec(ctx, `SELECT FROM mailaudit.runs WHERE run_key = $1 AND phase = 'concluding' FOR NO KEY UPDATE`, run.Key)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		settled, err := settleStates(ctx, tx, run, column(settlements, func(st audit.Settlement) audit.State { return st.State }))
		if err != nil {
			return err
		}
		var changes []audit.Change
		var notes []audit.Finding
		for _, st := range settlements {
			if !settled[st.State.AccountID] {
				continue
			}
			if st.Change != nil {
				changes = append(changes, *st.Change)
			}
			if st.Note != nil {
				notes = append(notes, *st.Note)
			}
		}
		put := &pgx.Batch{}
		// The run itself wrote a step of each account that it renumbered.
		put.Queue(`DELETE FROM mailaudit.verdict_changes WHERE seq = $1 AND account_id = ANY($2)
			AND account_id IN (SELECT new_id FROM mailaudit.renumbered WHERE run_key = $3)`,
			run.Seq, texts(changes, func(c audit.Change) string { return c.AccountID }), run.Key)
		queueChanges(put, changes)
		if err := queueNotes(put, run.Key, notes); err != nil {
			return err
		}
		for _, d := range drafts {
			if settled[d.Item.AccountID] {
				queueDraft(put, run, d)
			}
		}
		return tx.SendBatch(ctx, put).Close()
	})
	if err != nil {
		return fmt.Errorf("settle run %s: %w", run.Key, err)
	}
	return nil
}

// settleStates returns the accounts that this call has settled. A state that a later run has recorded is that run's to
// settle. What was told is left to the outbox.
func settleStates(ctx context.Context, tx pgx.Tx, run audit.Run, states []audit.State) (map[string]bool, error) {
	type state = audit.State
	rows, err := tx.Query(ctx, `UPDATE mailaudit.account_states s SET
			tenant_id = u.tenant_id, tenant_name = u.tenant_name, address = u.address, provider = u.provider, brand = u.brand,
			verdict = u.verdict, two_factor = u.two_factor, certainty = u.certainty, actor = u.actor, since = u.since,
			rule = u.rule, reply = u.reply, reason = u.reason, nights = u.nights, night_at = u.night_at,
			fingerprint = u.fingerprint, accepted_fingerprint = u.accepted_fingerprint,
			definite_at = u.definite_at, seen_at = u.seen_at, unverified_since = u.unverified_since, settled_seq = u.settled_seq,
			mended_verdict = u.mended_verdict, mended_at = u.mended_at, tried_fingerprint = u.tried_fingerprint,
			accepted_binding = u.accepted_binding, attested = u.attested
		FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
			$11::text[], $12::timestamptz[], $13::text[], $14::text[], $15::text[], $16::integer[], $17::timestamptz[],
			$18::text[], $19::text[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[], $23::bigint[],
			$24::text[], $25::timestamptz[], $26::text[], $27::text[], $28::text[])
			AS u (account_id, tenant_id, tenant_name, address, provider, brand, verdict, two_factor, certainty,
			actor, since, rule, reply, reason, nights, night_at,
			fingerprint, accepted_fingerprint, definite_at, seen_at, unverified_since, settled_seq,
			mended_verdict, mended_at, tried_fingerprint, accepted_binding, attested)
		WHERE s.account_id = u.account_id AND s.settled_seq < $1 AND `+notNewer("$1")+`
		RETURNING s.account_id`,
		run.Seq,
		texts(states, func(s state) string { return s.AccountID }),
		texts(states, func(s state) string { return s.TenantID }),
		texts(states, func(s state) string { return s.TenantName }),
		texts(states, func(s state) string { return s.Address }),
		texts(states, func(s state) string { return s.Provider }),
		texts(states, func(s state) string { return s.Brand }),
		column(states, func(s state) string { return string(s.Verdict) }),
		column(states, func(s state) string { return string(s.TwoFactor) }),
		column(states, func(s state) string { return string(s.Certainty) }),
		column(states, func(s state) string { return string(s.Actor) }),
		timestamps(states, func(s state) time.Time { return s.Since }),
		texts(states, func(s state) string { return s.Rule }),
		texts(states, func(s state) string { return s.Reply }),
		texts(states, func(s state) string { return s.Reason }),
		column(states, func(s state) int32 { return int32(s.Nights) }),
		timestamps(states, func(s state) time.Time { return s.NightAt }),
		texts(states, func(s state) string { return s.Fingerprint }),
		texts(states, func(s state) string { return s.AcceptedFingerprint }),
		timestamps(states, func(s state) time.Time { return s.DefiniteAt }),
		timestamps(states, func(s state) time.Time { return s.SeenAt }),
		timestamps(states, func(s state) time.Time { return s.UnverifiedSince }),
		column(states, func(s state) int64 { return s.SettledSeq }),
		column(states, func(s state) string { return string(s.Remedied) }),
		timestamps(states, func(s state) time.Time { return s.RemediedAt }),
		texts(states, func(s state) string { return s.Tried }),
		texts(states, func(s state) string { return s.Binding }),
		texts(states, func(s state) string { return s.Attested.Text() }))
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	settled := make(map[string]bool, len(ids))
	for _, id := range ids {
		settled[id] = true
	}
	return settled, nil
}

func (s *Store) Note(ctx context.Context, run audit.Run, notes []audit.Finding) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `SELECT FROM mailaudit.runs WHERE run_key = $1 AND phase = 'concluding' FOR NO KEY UPDATE`, run.Key)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		put := &pgx.Batch{}
		if err := queueNotes(put, run.Key, notes); err != nil {
			return err
		}
		return tx.SendBatch(ctx, put).Close()
	})
	if err != nil {
		return fmt.Errorf("note accounts of run %s: %w", run.Key, err)
	}
	return nil
}

func queueChanges(put *pgx.Batch, changes []audit.Change) {
	if len(changes) == 0 {
		return
	}
	type change = audit.Change
	put.Queue(`INSERT INTO mailaudit.verdict_changes (account_id, seq, run_key, tenant_id, tenant_name, address, provider,
			verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
			$8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::text[], $15::text[], $16::text[], $17::text[])`,
		texts(changes, func(c change) string { return c.AccountID }),
		column(changes, func(c change) int64 { return c.Seq }),
		texts(changes, func(c change) string { return c.RunKey }),
		texts(changes, func(c change) string { return c.TenantID }),
		texts(changes, func(c change) string { return c.TenantName }),
		texts(changes, func(c change) string { return c.Address }),
		texts(changes, func(c change) string { return c.Provider }),
		column(changes, func(c change) string { return string(c.Verdict) }),
		column(changes, func(c change) string { return string(c.Previous) }),
		column(changes, func(c change) string { return string(c.TwoFactor) }),
		column(changes, func(c change) string { return string(c.Certainty) }),
		column(changes, func(c change) string { return string(c.Actor) }),
		timestamps(changes, func(c change) time.Time { return c.Since }),
		texts(changes, func(c change) string { return c.Rule }),
		texts(changes, func(c change) string { return c.Reply }),
		texts(changes, func(c change) string { return c.Reason }),
		texts(changes, func(c change) string { return c.Attested.Text() }))
}

func queueNotes(put *pgx.Batch, key string, notes []audit.Finding) error {
	if len(notes) == 0 {
		return nil
	}
	written := make([]string, len(notes))
	for i, n := range notes {
		text, err := json.Marshal(n)
		if err != nil {
			return err
		}
		written[i] = string(text)
	}
	put.Queue(`INSERT INTO mailaudit.run_notes (run_key, account_id, finding)
		SELECT $1, u.id, u.finding::json FROM unnest($2::text[], $3::text[]) AS u (id, finding)
		ON CONFLICT (run_key, account_id) DO UPDATE SET finding = excluded.finding`,
		key, texts(notes, func(n audit.Finding) string { return n.AccountID }), written)
	return nil
}

// queueDraft joins the account to the run's mail for its tenant, contact, provider and purpose. A mail that
// holds a new finding is no mere reminder.
func queueDraft(put *pgx.Batch, run audit.Run, d audit.Draft) {
	put.Queue(`WITH mail AS (
			INSERT INTO mailaudit.notices AS n (run_key, purpose, kind, tenant_id, contact_email, provider, state, created_at, thread)
			VALUES ($1, $2, $3, $4, $5, $6, 'forming', $7, $8)
			ON CONFLICT (run_key, tenant_id, contact_email, provider, purpose) DO UPDATE SET
				kind = CASE WHEN excluded.kind = 'finding' THEN 'finding' ELSE n.kind END,
				thread = CASE WHEN n.thread = 0 THEN excluded.thread ELSE n.thread END
			RETURNING notice_id
		)
		INSERT INTO mailaudit.notice_items (notice_id, account_id, verdict, since, step)
		SELECT notice_id, $9, $10, $11, $12 FROM mail ON CONFLICT DO NOTHING`,
		run.Key, d.Purpose(), string(d.Kind), clean(d.TenantID), clean(d.ContactEmail), d.Provider, timestamp(run.StartedAt), d.Thread,
		clean(d.Item.AccountID), string(d.Item.Verdict), timestamp(d.Item.Since), d.Item.Step)
}
