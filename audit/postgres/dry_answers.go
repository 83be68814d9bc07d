package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

func (s *Store) KeepDryAnswers(ctx context.Context, day string, answers []audit.DryAnswer) error {
	return s.exec(ctx, "keep a dry run's answers", `WITH dropped AS (DELETE FROM mailaudit.dry_answers WHERE day <> $1::text::date)
		INSERT INTO mailaudit.dry_answers (account_id, day, fingerprint, name, said)
		SELECT account_id, $1::text::date, fingerprint, name, said
		FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS u (account_id, fingerprint, name, said)
		ON CONFLICT (account_id) DO UPDATE SET day = excluded.day, fingerprint = excluded.fingerprint, name = excluded.name,
			said = excluded.said, taken_by = ''`, day,
		texts(answers, func(a audit.DryAnswer) string { return a.AccountID }),
		texts(answers, func(a audit.DryAnswer) string { return a.Fingerprint }),
		texts(answers, func(a audit.DryAnswer) string { return a.Name }),
		texts(answers, func(a audit.DryAnswer) string { return a.Said }))
}

func (s *Store) TakeDryAnswers(ctx context.Context, day, runKey string, accountIDs []string) (map[string]audit.DryAnswer, error) {
	taken := map[string]audit.DryAnswer{}
	_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (struct{}, error) {
		var a audit.DryAnswer
		err := row.Scan(&a.AccountID, &a.Fingerprint, &a.Name, &a.Said)
		taken[a.AccountID] = a
		return struct{}{}, err
	}, `UPDATE mailaudit.dry_answers SET taken_by = $2 WHERE day = $1::text::date AND taken_by IN ('', $2) AND account_id = ANY ($3)
		RETURNING account_id, fingerprint, name, said`, day, runKey, accountIDs)
	return taken, err
}
