package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"mailaudit/audit"
)

// Source reads accounts from a table or view: the program's own, or the operator's in this or another
// database. It never writes, each of its transactions is read only, and planning does not touch the secrets.
//
// Pages go by the order of account_id's own type, so that an index on it serves them: numbers by value, text
// by its collation. An id is whatever PostgreSQL shows as text.
type Source struct {
	pool    *pgxpool.Pool
	name    string // the relation as the configuration names it
	id      typed
	tenant  typed
	columns string // the select list of an account
	secret  string // the expression of its secret
	from    string // the relation, quoted
	idName  string // account_id, quoted
	pages   *pageSize
}

var _ audit.Accounts = (*Source)(nil)

// ownAccounts reads the program's own table, whose columns are known.
func ownAccounts(pool *pgxpool.Pool) *Source {
	columns := map[string]typed{}
	for _, u := range append(accountUses(), secretUse()) {
		columns[u.name] = typed{Name: u.name, Base: "text", Category: "S", Cast: "text", Readable: true}
	}
	for name, base := range map[string]string{"port": "int4", "secret": "bytea", "updated_at": "timestamptz", "last_sent_ok_at": "timestamptz"} {
		columns[name] = typed{Name: name, Base: base, Readable: true}
	}
	columns[contactVerified] = typed{Name: "contact_unverified", Base: "bool", Readable: true}
	return newSource(pool, pgx.Identifier{Schema, "mail_accounts"}, columns)
}

func newSource(pool *pgxpool.Pool, relation pgx.Identifier, columns map[string]typed) *Source {
	s := &Source{pool: pool, pages: &pageSize{}, id: columns["account_id"], tenant: columns["tenant_id"], from: relation.Sanitize(), idName: `"account_id"`}
	for i, u := range accountUses() {
		if i > 0 {
			s.columns += ", "
		}
		t, there := columns[u.name]
		s.columns += u.expression(t, there)
	}
	s.secret = secretUse().expression(columns["secret"], true)
	return s
}

// OpenSource reads accounts from a relation of a database of its own, "" being mailaudit.mail_accounts. The
// caller closes it.
func OpenSource(ctx context.Context, url, relation string, o Options) (*Source, error) {
	pool, err := connectSource(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("accounts.database: %w", err)
	}
	s, err := openSource(ctx, pool, relation)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// Anew is the same relation with its columns as they are now, on the same connections.
func (s *Source) Anew(ctx context.Context) (*Source, error) { return openSource(ctx, s.pool, s.name) }

// RelationChanged reports whether a statement no longer fits its relation: a column, a table or a type is another one now.
func RelationChanged(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42703", "42P01", "0A000", "42704", "42883": // no such column, table, a cached plan of other types, no such type, function
		return true
	}
	return false
}

// Close closes the connections of a source that has its own.
func (s *Source) Close() { s.pool.Close() }

// beginReading is begin for reading alone.
const beginReading = `begin read only; set local statement_timeout = '5s'; set local lock_timeout = '3s';
	set local idle_in_transaction_session_timeout = '5s'`

// beginReadingSlowly is beginReading for a source that computes all of its rows for any page.
const beginReadingSlowly = `begin read only; set local statement_timeout = '18s'; set local lock_timeout = '3s';
	set local idle_in_transaction_session_timeout = '5s'`

func (s *Source) read(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return readIn(ctx, s.pool, s.pages.begin(), f)
}

// read runs f in a transaction that cannot write.
func read(ctx context.Context, pool *pgxpool.Pool, f func(ctx context.Context, tx pgx.Tx) error) error {
	return readIn(ctx, pool, beginReading, f)
}

func readIn(ctx context.Context, pool *pgxpool.Pool, begin string, f func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error { return f(ctx, tx) })
}

func openSource(ctx context.Context, pool *pgxpool.Pool, name string) (*Source, error) {
	if name == "" {
		name = ownRelation
	}
	relation, err := parseRelation(name)
	if err != nil {
		return nil, err
	}
	var s *Source
	err = read(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		found, oid, role, err := find(ctx, tx, relation)
		if err != nil {
			return err
		}
		columns, err := describe(ctx, tx, oid)
		if err != nil {
			return err
		}
		if problems := check(columns, role, found.Sanitize()); len(problems) > 0 {
			return &RelationError{Problem: joined(problems)}
		}
		s = newSource(pool, found, columns)
		s.name = name
		return nil
	})
	misfit := (*RelationError)(nil)
	switch {
	case errors.As(err, &misfit):
		misfit.Relation = name
		return nil, misfit
	case err != nil:
		return nil, fmt.Errorf("accounts.relation %s: %w", name, err)
	}
	return s, nil
}

// RelationError tells what of the accounts' relation does not fit: no retry changes it.
type RelationError struct {
	Relation string
	Problem  string
}

func (e *RelationError) Error() string { return "accounts.relation " + e.Relation + ": " + e.Problem }

// find looks the relation up and returns its full name.
func find(ctx context.Context, tx pgx.Tx, relation pgx.Identifier) (found pgx.Identifier, oid uint32, role string, err error) {
	var schema, name, kind string
	err = tx.QueryRow(ctx, `SELECT c.oid, n.nspname, c.relname, c.relkind::text, current_user
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1::text)`,
		relation.Sanitize()).Scan(&oid, &schema, &name, &kind, &role)
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, 0, "", &RelationError{Problem: "there is no such table or view in this database; write its schema too, and see that the role may use it (GRANT USAGE ON SCHEMA)"}
	case errors.As(err, &pg) && pg.Code == "42501":
		return nil, 0, "", &RelationError{Problem: pg.Message + ": GRANT USAGE ON SCHEMA to the role of the URL"}
	case err != nil:
		return nil, 0, "", err
	case kind != "r" && kind != "v" && kind != "m" && kind != "f" && kind != "p":
		return nil, 0, "", &RelationError{Problem: "is neither a table nor a view"}
	}
	return pgx.Identifier{schema, name}, oid, role, nil
}

func describe(ctx context.Context, tx pgx.Tx, oid uint32) (map[string]typed, error) {
	rows, err := tx.Query(ctx, `WITH RECURSIVE base (attnum, oid) AS (
			SELECT attnum, atttypid FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
			UNION ALL
			SELECT b.attnum, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
		)
		SELECT a.attname::text, t.typname::text, t.typcategory::text, format_type(a.atttypid, a.atttypmod), format_type(t.oid, -1),
			has_column_privilege(a.attrelid, a.attnum, 'SELECT')
		FROM base b JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = b.attnum JOIN pg_type t ON t.oid = b.oid
		WHERE t.typtype <> 'd'`, oid)
	if err != nil {
		return nil, err
	}
	columns := map[string]typed{}
	var t typed
	_, err = pgx.ForEachRow(rows, []any{&t.Name, &t.Base, &t.Category, &t.Declared, &t.Cast, &t.Readable}, func() error {
		columns[t.Name] = t
		return nil
	})
	return columns, err
}

func check(columns map[string]typed, role, relation string) []string {
	var problems []string
	for _, u := range append(accountUses(), secretUse()) {
		t, there := columns[u.name]
		if problem := u.problem(t, there, pgx.Identifier{role}.Sanitize(), relation); problem != "" {
			problems = append(problems, problem)
		}
	}
	return problems
}

func scanAccount(row pgx.CollectableRow) (audit.Account, error) {
	var a audit.Account
	err := row.Scan(&a.ID, &a.TenantID, &a.TenantName, &a.Address, &a.Username, &a.Host, &a.Port, &a.Security, &a.Auth,
		&a.ContactName, &a.ContactEmail, &a.Locale, &a.TimeZone, scanTime{&a.UpdatedAt}, scanTime{&a.LastSentOKAt}, &a.ContactUnverified)
	return a, err
}

func (s *Source) AccountsAfter(ctx context.Context, after string, limit int, tenant string) ([]audit.Account, error) {
	all, err := pagewise(s.pages, after, limit, func(a audit.Account) string { return a.ID }, func(after string, limit int) ([]audit.Account, error) {
		query, args := s.after(s.columns, after, limit, tenant)
		if query == "" {
			return nil, nil
		}
		return s.accounts(ctx, query, args...)
	})
	if err != nil {
		return nil, sourceError("read accounts", err)
	}
	return all, nil
}

// WithoutID counts the rows whose account_id is NULL.
func (s *Source) WithoutID(ctx context.Context) (n int, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM `+s.from+` WHERE `+s.idName+` IS NULL`).Scan(&n)
	})
	if err != nil {
		return 0, sourceError("count the accounts without an id", err)
	}
	return n, nil
}

// HiddenBy names the tables behind the relation whose row level security may hide rows from us; "" if there are none.
func (s *Source) HiddenBy(ctx context.Context) (tables string, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, behindRelation+`SELECT coalesce(string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text), '')
			FROM behind b JOIN pg_class c ON c.oid = b.oid WHERE c.relrowsecurity`, s.from).Scan(&tables)
	})
	if err != nil {
		return "", sourceError("look for row level security", err)
	}
	return tables, nil
}

// behindRelation lists a relation and, behind a view, what it reads.
const behindRelation = `WITH RECURSIVE behind (oid) AS (
	SELECT to_regclass($1::text)::oid
	UNION
	SELECT d.refobjid FROM behind b JOIN pg_rewrite r ON r.ev_class = b.oid
	JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> b.oid
) `

func (s *Source) AccountIDsAfter(ctx context.Context, after string, limit int, tenant string) (all []string, err error) {
	all, err = pagewise(s.pages, after, limit, func(id string) string { return id }, func(after string, limit int) (page []string, err error) {
		query, args := s.after(s.idName+`::text`, after, limit, tenant)
		if query == "" {
			return nil, nil
		}
		err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
			page, err = collect(ctx, tx, pgx.RowTo[string], query, args...)
			return err
		})
		return page, err
	})
	if err != nil {
		return nil, sourceError("read the accounts' ids", err)
	}
	return all, nil
}

// after is the query for columns of the accounts behind one; "" where there can be none.
func (s *Source) after(columns, after string, limit int, tenant string) (query string, args []any) {
	query, args = `SELECT `+columns+` FROM `+s.from+` WHERE `+s.idName+` IS NOT NULL`, []any{limit}
	add := func(condition string, t typed, value string) {
		args = append(args, value)
		query += ` AND ` + condition + ` $` + strconv.Itoa(len(args)) + `::text::` + t.Cast
	}
	if after != "" {
		add(s.idName+` >`, s.id, after)
	}
	if tenant != "" {
		if !canonical(s.tenant, tenant) {
			return "", nil
		}
		add(`"tenant_id" =`, s.tenant, tenant)
	}
	return query + ` ORDER BY ` + s.idName + ` LIMIT $1`, args
}

func (s *Source) AccountsByID(ctx context.Context, ids []string) ([]audit.Account, error) {
	var all []audit.Account
	err := idwise(s.pages, s.own(ids), func(some []string) error {
		found, err := s.accounts(ctx, `SELECT `+s.columns+` FROM `+s.from+` WHERE `+s.idName+` = ANY ($1::text[]::`+s.id.Cast+`[])`, some)
		all = append(all, found...)
		return err
	})
	if err != nil {
		return nil, sourceError("read accounts", err)
	}
	return all, nil
}

func (s *Source) accounts(ctx context.Context, query string, args ...any) (all []audit.Account, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		all, err = collect(ctx, tx, scanAccount, query, args...)
		return err
	})
	return all, err
}

// SealedSecrets leaves out accounts whose secret is NULL.
func (s *Source) SealedSecrets(ctx context.Context, ids []string) (map[string][]byte, error) {
	secrets := make(map[string][]byte, len(ids))
	err := idwise(s.pages, s.own(ids), func(some []string) error {
		return s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := collect(ctx, tx, func(row pgx.CollectableRow) (struct{}, error) {
				var id string
				var sealed []byte
				err := row.Scan(&id, &sealed)
				secrets[id] = sealed
				return struct{}{}, err
			}, `SELECT `+s.idName+`::text, `+s.secret+` FROM `+s.from+` WHERE `+s.idName+` = ANY ($1::text[]::`+s.id.Cast+`[])
			AND "secret" IS NOT NULL`, some)
			return err
		})
	})
	if err != nil {
		return nil, sourceError("read sealed secrets", err)
	}
	return secrets, nil
}

// own leaves out ids that no row of the relation can have; PostgreSQL would refuse to compare them.
func (s *Source) own(ids []string) []string {
	own := make([]string, 0, len(ids))
	for _, id := range ids {
		if canonical(s.id, id) {
			own = append(own, id)
		}
	}
	return own
}

// canonical reports whether text is how PostgreSQL shows some value of the type.
func canonical(t typed, text string) bool {
	switch {
	case isInteger(t):
		bits := map[string]int{"int2": 16, "int4": 32, "int8": 64}[t.Base]
		n, err := strconv.ParseInt(text, 10, bits)
		return err == nil && strconv.FormatInt(n, 10) == text
	case t.Base == "uuid":
		return isUUID(text)
	}
	return clean(text) == text
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
