package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

// newRow is an account as it was handed over.
type newRow struct {
	audit.Account
	sealed []byte
}

const (
	importPage    = 2000
	importTimeout = 10 * time.Minute
)

// Import gathers the accounts before it opens the transaction, so that reading and sealing them holds no lock.
func (s *Store) Import(ctx context.Context, replace bool, write func(put func(audit.Account, []byte) error) error) (audit.ImportCount, error) {
	var rows []newRow
	place := map[string]int{}
	repeated := 0
	err := write(func(a audit.Account, sealed []byte) error {
		row := newRow{a, slices.Clone(sealed)}
		if i, known := place[a.ID]; known {
			rows[i] = row
			repeated++
			return nil
		}
		place[a.ID] = len(rows)
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return audit.ImportCount{}, err
	}
	slices.SortFunc(rows, func(x, y newRow) int { return strings.Compare(x.ID, y.ID) })
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	var n audit.ImportCount
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		n, err = importRows(ctx, tx, rows, replace)
		return err
	})
	if err != nil {
		return audit.ImportCount{}, fmt.Errorf("import accounts: %w", err)
	}
	n.Updated += repeated
	return n, nil
}

func importRows(ctx context.Context, tx pgx.Tx, rows []newRow, replace bool) (n audit.ImportCount, err error) {
	for page := range slices.Chunk(rows, importPage) {
		added, err := importPageOf(ctx, tx, page)
		if err != nil {
			return n, err
		}
		n.Added += added
		n.Updated += len(page) - added
	}
	if !replace {
		return n, nil
	}
	gone, err := tx.Exec(ctx, `DELETE FROM mailaudit.mail_accounts m
		WHERE NOT EXISTS (SELECT FROM unnest($1::text[]) AS u (id) WHERE u.id = m.account_id)`,
		column(rows, func(r newRow) string { return r.ID }))
	n.Removed = int(gone.RowsAffected())
	return n, err
}

func importPageOf(ctx context.Context, tx pgx.Tx, page []newRow) (added int, err error) {
	type row = newRow
	err = tx.QueryRow(ctx, `WITH put AS (
			INSERT INTO mailaudit.mail_accounts (account_id, tenant_id, tenant_name, address, username, host, port, security, auth,
				contact_name, contact_email, locale, time_zone, updated_at, last_sent_ok_at, contact_unverified, secret)
			SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::text[],
				$10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[], $16::boolean[], $17::bytea[])
			ON CONFLICT (account_id) DO UPDATE SET tenant_id = excluded.tenant_id, tenant_name = excluded.tenant_name,
				address = excluded.address, username = excluded.username, host = excluded.host, port = excluded.port,
				security = excluded.security, auth = excluded.auth, contact_name = excluded.contact_name,
				contact_email = excluded.contact_email, locale = excluded.locale, time_zone = excluded.time_zone,
				updated_at = excluded.updated_at, last_sent_ok_at = excluded.last_sent_ok_at, contact_unverified = excluded.contact_unverified, secret = excluded.secret
			RETURNING xmax = 0 AS added
		) SELECT count(*) FILTER (WHERE added) FROM put`,
		column(page, func(r row) string { return r.ID }),
		column(page, func(r row) string { return r.TenantID }),
		column(page, func(r row) string { return r.TenantName }),
		column(page, func(r row) string { return r.Address }),
		column(page, func(r row) string { return r.Username }),
		column(page, func(r row) string { return r.Host }),
		column(page, func(r row) int32 { return int32(r.Port) }),
		column(page, func(r row) string { return string(r.Security) }),
		column(page, func(r row) string { return string(r.Auth) }),
		column(page, func(r row) string { return r.ContactName }),
		column(page, func(r row) string { return r.ContactEmail }),
		column(page, func(r row) string { return r.Locale }),
		column(page, func(r row) string { return r.TimeZone }),
		timestamps(page, func(r row) time.Time { return r.UpdatedAt }),
		timestamps(page, func(r row) time.Time { return r.LastSentOKAt }),
		column(page, func(r row) bool { return r.ContactUnverified }),
		column(page, func(r row) []byte { return r.sealed })).Scan(&added)
	return added, err
}

func (s *Store) Remove(ctx context.Context, id string) error {
	n, err := s.count(ctx, "remove account", `DELETE FROM mailaudit.mail_accounts WHERE account_id = $1`, id)
	if err == nil && n == 0 {
		err = fmt.Errorf("remove account %s: %w", id, audit.ErrNoAccount)
	}
	return err
}
