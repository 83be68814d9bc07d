package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"mailaudit/audit"
)

const accountColumns = `account_id, tenant_id, tenant_name, address, username, host, port, security, auth,
	contact_name, contact_email, locale, time_zone, updated_at, last_sent_ok_at, contact_unverified`

func scanAccount(row scanner) (audit.Account, error) {
	var a audit.Account
	err := row.Scan(&a.ID, &a.TenantID, &a.TenantName, &a.Address, &a.Username, &a.Host, &a.Port, &a.Security, &a.Auth,
		&a.ContactName, &a.ContactEmail, &a.Locale, &a.TimeZone, scanTime{&a.UpdatedAt}, scanTime{&a.LastSentOKAt}, &a.ContactUnverified)
	return a, err
}

func (s *Store) AccountsAfter(ctx context.Context, after string, limit int, tenant string) ([]audit.Account, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+accountColumns+` FROM mail_accounts
		WHERE account_id > ? AND (? = '' OR tenant_id = ?) ORDER BY account_id LIMIT ?`, after, tenant, tenant, limit)
	all, err := collect(rows, err, scanAccount)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return all, nil
}

func (s *Store) AccountIDsAfter(ctx context.Context, after string, limit int, tenant string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id FROM mail_accounts
		WHERE account_id > ? AND (? = '' OR tenant_id = ?) ORDER BY account_id LIMIT ?`, after, tenant, tenant, limit)
	all, err := collect(rows, err, scanText)
	if err != nil {
		return nil, fmt.Errorf("read the accounts' ids: %w", err)
	}
	return all, nil
}

func (s *Store) AccountsByID(ctx context.Context, ids []string) ([]audit.Account, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+accountColumns+` FROM mail_accounts
		WHERE account_id IN (SELECT value FROM json_each(?))`, array(ids))
	all, err := collect(rows, err, scanAccount)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return all, nil
}

func (s *Store) SealedSecrets(ctx context.Context, ids []string) (map[string][]byte, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, secret FROM mail_accounts
		WHERE account_id IN (SELECT value FROM json_each(?))`, array(ids))
	secrets := make(map[string][]byte, len(ids))
	_, err = collect(rows, err, func(row scanner) (sealed []byte, err error) {
		var id string
		err = row.Scan(&id, &sealed)
		secrets[id] = sealed
		return sealed, err
	})
	if err != nil {
		return nil, fmt.Errorf("read sealed secrets: %w", err)
	}
	return secrets, nil
}

func (s *Store) Import(ctx context.Context, replace bool, write func(put func(audit.Account, []byte) error) error) (audit.ImportCount, error) {
	var n audit.ImportCount
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `CREATE TEMP TABLE IF NOT EXISTS imported (account_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID`); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM imported`); err != nil {
			return err
		}
		known, err := tx.PrepareContext(ctx, `SELECT count(*) FROM mail_accounts WHERE account_id = ?`)
		if err != nil {
			return err
		}
		defer known.Close()
		put, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO mail_accounts (`+accountColumns+`, secret)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`)
		if err != nil {
			return err
		}
		defer put.Close()
		mark, err := tx.PrepareContext(ctx, `INSERT OR IGNORE INTO imported VALUES (?)`)
		if err != nil {
			return err
		}
		defer mark.Close()
		err = write(func(a audit.Account, sealed []byte) error {
			var have int
			if err := known.QueryRowContext(ctx, a.ID).Scan(&have); err != nil {
				return err
			}
			if have == 0 {
				n.Added++
			} else {
				n.Updated++
			}
			if _, err := put.ExecContext(ctx, a.ID, a.TenantID, a.TenantName, a.Address, a.Username, a.Host, a.Port,
				string(a.Security), string(a.Auth), a.ContactName, a.ContactEmail, a.Locale, a.TimeZone,
				micros(a.UpdatedAt), micros(a.LastSentOKAt), a.ContactUnverified, sealed); err != nil {
				return err
			}
			_, err := mark.ExecContext(ctx, a.ID)
			return err
		})
		if err != nil || !replace {
			return err
		}
		gone, err := tx.ExecContext(ctx, `DELETE FROM mail_accounts WHERE account_id NOT IN (SELECT account_id FROM imported)`)
		if err != nil {
			return err
		}
		removed, err := gone.RowsAffected()
		n.Removed = int(removed)
		return err
	})
	if err != nil {
		return audit.ImportCount{}, err
	}
	return n, nil
}

func (s *Store) Remove(ctx context.Context, id string) error {
	res, err := s.db.ExecContext(ctx, `DELETE FROM mail_accounts WHERE account_id = ?`, id)
	if err != nil {
		return fmt.Errorf("remove account: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("remove account %s: %w", id, audit.ErrNoAccount)
	}
	return nil
}
