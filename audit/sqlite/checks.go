package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
)

func (s *Store) BeginCheck(ctx context.Context, c audit.ProductCheck, since time.Time) (audit.ProductCheck, bool, error) {
	res, err := s.db.ExecContext(ctx, `INSERT INTO account_checks (check_id, account_id, tenant_id, at, state)
		VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (account_id) DO UPDATE SET check_id = excluded.check_id, tenant_id = excluded.tenant_id,
			at = excluded.at, state = excluded.state, verdict = '', two_factor = '', certainty = '', retry_at = NULL
		WHERE account_checks.state <> 'asking' OR account_checks.at <= ?6`,
		c.ID, c.AccountID, c.TenantID, micros(c.At), string(c.State), micros(since))
	if err != nil {
		return c, false, fmt.Errorf("begin a check: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return c, err == nil, err
	}
	stands, err := s.LastCheck(ctx, c.AccountID)
	return stands, false, err
}

func (s *Store) EndCheck(ctx context.Context, c audit.ProductCheck) error {
	return s.exec(ctx, "end a check", `UPDATE account_checks SET state = ?3, verdict = ?4, two_factor = ?5, certainty = ?6, retry_at = ?7, at = ?8
		WHERE account_id = ?1 AND check_id = ?2`, c.AccountID, c.ID, string(c.State), string(c.Verdict), string(c.TwoFactor),
		string(c.Certainty), micros(c.RetryAt), micros(c.At))
}

func (s *Store) LastCheck(ctx context.Context, accountID string) (c audit.ProductCheck, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT check_id, account_id, tenant_id, at, state, verdict, two_factor, certainty, retry_at
		FROM account_checks WHERE account_id = ?`, accountID).
		Scan(&c.ID, &c.AccountID, &c.TenantID, scanTime{&c.At}, &c.State, &c.Verdict, &c.TwoFactor, &c.Certainty, scanTime{&c.RetryAt})
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the last check: %w", err)
	}
	return c, nil
}

func (s *Store) FailingOf(ctx context.Context, tenant, after string, limit int) ([]audit.State, error) {
	return s.states(ctx, "read a tenant's failing accounts", `verdict IN (SELECT value FROM json_each(?))
		AND tenant_id = ? AND account_id > ? ORDER BY account_id LIMIT ?`, failing, tenant, after, limit)
}
