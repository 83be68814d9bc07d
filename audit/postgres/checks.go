package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

const checkColumns = `check_id, account_id, tenant_id, at, state, verdict, two_factor, certainty, retry_at`

func scanCheck(row pgx.CollectableRow) (c audit.ProductCheck, err error) {
	err = row.Scan(&c.ID, &c.AccountID, &c.TenantID, scanTime{&c.At}, &c.State, &c.Verdict, &c.TwoFactor, &c.Certainty, scanTime{&c.RetryAt})
	return c, err
}

func (s *Store) BeginCheck(ctx context.Context, c audit.ProductCheck, since time.Time) (audit.ProductCheck, bool, error) {
	n, err := s.count(ctx, "begin a check", `INSERT INTO mailaudit.account_checks AS k (check_id, account_id, tenant_id, at, state)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id) DO UPDATE SET check_id = excluded.check_id, tenant_id = excluded.tenant_id,
			at = excluded.at, state = excluded.state, verdict = '', two_factor = '', certainty = '', retry_at = NULL
		WHERE k.state <> 'asking' OR k.at <= $6`,
		c.ID, clean(c.AccountID), clean(c.TenantID), timestamp(c.At), string(c.State), timestamp(since))
	if err != nil || n == 1 {
		return c, err == nil, err
	}
	stands, err := s.LastCheck(ctx, c.AccountID)
	return stands, false, err
}

func (s *Store) EndCheck(ctx context.Context, c audit.ProductCheck) error {
	return s.exec(ctx, "end a check", `UPDATE mailaudit.account_checks SET state = $3, verdict = $4, two_factor = $5, certainty = $6, retry_at = $7, at = $8
		WHERE account_id = $1 AND check_id = $2`, clean(c.AccountID), c.ID, string(c.State), string(c.Verdict), string(c.TwoFactor),
		string(c.Certainty), timestamp(c.RetryAt), timestamp(c.At))
}

func (s *Store) LastCheck(ctx context.Context, accountID string) (audit.ProductCheck, error) {
	c, err := one(ctx, s.pool, scanCheck, `SELECT `+checkColumns+` FROM mailaudit.account_checks WHERE account_id = $1`, clean(accountID))
	if errors.Is(err, pgx.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the last check: %w", err)
	}
	return c, nil
}

func (s *Store) FailingOf(ctx context.Context, tenant, after string, limit int) ([]audit.State, error) {
	return s.states(ctx, "read a tenant's failing accounts", `verdict NOT IN ('', 'compliant', 'unproven', 'gone') AND verdict = ANY($1)
		AND tenant_id = $2 AND account_id > $3 ORDER BY account_id LIMIT $4`, failing(), clean(tenant), after, limit)
}
