package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

// Failing names the verdicts that an index leaves out, so that it serves.
func (s *Store) Failing(ctx context.Context, after string, limit int) ([]audit.State, error) {
	return s.states(ctx, "read failing accounts", `verdict NOT IN ('', 'compliant', 'unproven', 'gone') AND verdict = ANY($1)
		AND account_id > $2 ORDER BY account_id LIMIT $3`, failing(), after, limit)
}

func (s *Store) Accepted(ctx context.Context, provider, after string, limit int) ([]audit.State, error) {
	var accepted []audit.State
	err := s.eachChunk(ctx, after, func(from, to string) (bool, error) {
		found, err := s.states(ctx, "read accepted accounts", `account_id > $1 AND account_id <= $2 AND provider = $3
			AND verdict IN ('compliant', 'unproven') AND unverified_since IS NULL ORDER BY account_id LIMIT $4`,
			from, to, provider, limit-len(accepted))
		accepted = append(accepted, found...)
		return len(accepted) < limit, err
	})
	return accepted, err
}

func (s *Store) Remedy(ctx context.Context, states []audit.State) ([]string, error) {
	type state = audit.State
	remedied, err := collect(ctx, s.pool, pgx.RowTo[string], `UPDATE mailaudit.account_states s SET
			verdict = u.verdict, two_factor = u.two_factor, certainty = u.certainty, actor = u.actor, since = u.since,
			rule = u.rule, reply = u.reply, reason = u.reason, nights = u.nights, night_at = u.night_at,
			fingerprint = u.fingerprint, accepted_fingerprint = u.accepted_fingerprint, definite_at = u.definite_at,
			seen_at = NULL, unverified_since = NULL, mended_verdict = u.mended_verdict, mended_at = u.mended_at, tried_fingerprint = '',
			accepted_binding = u.accepted_binding, attested = u.attested
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[],
			$10::integer[], $11::timestamptz[], $12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::timestamptz[], $17::bigint[], $18::text[], $19::text[])
			AS u (account_id, verdict, two_factor, certainty, actor, since, rule, reply, reason,
			nights, night_at, fingerprint, accepted_fingerprint, definite_at, mended_verdict, mended_at, settled_seq, accepted_binding, attested)
		WHERE s.account_id = u.account_id AND s.settled_seq = u.settled_seq AND s.verdict = u.mended_verdict
		RETURNING s.account_id`,
		texts(states, func(s state) string { return s.AccountID }),
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
		column(states, func(s state) string { return string(s.Remedied) }),
		timestamps(states, func(s state) time.Time { return s.RemediedAt }),
		column(states, func(s state) int64 { return s.SettledSeq }),
		texts(states, func(s state) string { return s.Binding }),
		texts(states, func(s state) string { return s.Attested.Text() }))
	if err != nil {
		return nil, fmt.Errorf("record acceptances: %w", err)
	}
	return remedied, nil
}

func (s *Store) Tried(ctx context.Context, prints map[string]string) error {
	var ids, fingerprints []string
	for id, fingerprint := range prints {
		ids, fingerprints = append(ids, id), append(fingerprints, fingerprint)
	}
	return s.exec(ctx, "note tried secrets", `UPDATE mailaudit.account_states s SET tried_fingerprint = u.fingerprint
		FROM unnest($1::text[], $2::text[]) AS u (id, fingerprint) WHERE s.account_id = u.id`, list(ids), list(fingerprints))
}

func (s *Store) SeenAgain(ctx context.Context, states []audit.State) error {
	type state = audit.State
	return s.exec(ctx, "note refusals", `UPDATE mailaudit.account_states s SET seen_at = u.seen_at
		FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[]) AS u (account_id, settled_seq, verdict, seen_at)
		WHERE s.account_id = u.account_id AND s.settled_seq = u.settled_seq AND s.verdict = u.verdict`,
		texts(states, func(s state) string { return s.AccountID }),
		column(states, func(s state) int64 { return s.SettledSeq }),
		column(states, func(s state) string { return string(s.Settled.Verdict) }),
		timestamps(states, func(s state) time.Time { return s.SeenAt }))
}

func (s *Store) Enqueue(ctx context.Context, occasion string, n audit.Notice) (id int64, added bool, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		added = false
		err := tx.QueryRow(ctx, `INSERT INTO mailaudit.notices
			(run_key, purpose, kind, tenant_id, contact_email, provider, state, detail, due_at, created_at, thread, recipient, recipient_domain)
			VALUES ('', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING notice_id`,
			occasion, string(n.Kind), clean(n.TenantID), clean(n.ContactEmail), n.Provider, string(n.State), clean(n.Detail),
			timestamp(n.DueAt), timestamp(n.CreatedAt), n.Thread, clean(n.Recipient), clean(n.Domain)).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return tx.QueryRow(ctx, `SELECT notice_id FROM mailaudit.notices WHERE run_key = '' AND purpose = $1 AND tenant_id = $2
				AND contact_email = $3 AND provider = $4`, occasion, clean(n.TenantID), clean(n.ContactEmail), n.Provider).Scan(&id)
		}
		if err != nil {
			return err
		}
		added = true
		type item = audit.NoticeItem
		if _, err := tx.Exec(ctx, `INSERT INTO mailaudit.notice_items (notice_id, account_id, verdict, since, step)
			SELECT $1, u.* FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::integer[]) AS u`, id,
			texts(n.Items, func(i item) string { return i.AccountID }),
			column(n.Items, func(i item) string { return string(i.Verdict) }),
			timestamps(n.Items, func(i item) time.Time { return i.Since }),
			column(n.Items, func(i item) int32 { return int32(i.Step) })); err != nil {
			return err
		}
		if n.State == audit.NoticeShadowed {
			_, err = tx.Exec(ctx, told, id, timestamp(n.CreatedAt), true)
		}
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("write notice: %w", err)
	}
	return id, added, nil
}

func (s *Store) Reschedule(ctx context.Context, id int64, due time.Time) error {
	return s.exec(ctx, "reschedule notice", `UPDATE mailaudit.notices SET due_at = $1 WHERE notice_id = $2 AND state = 'queued'`, timestamp(due), id)
}
