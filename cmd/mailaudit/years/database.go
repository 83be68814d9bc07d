package years

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// Tables is the database as plain SQL sees it. Prefix stands before the names of tables, "mailaudit." in PostgreSQL.
type Tables struct {
	DB     *sql.DB
	Prefix string
}

// row reads columns whatever the database's types.
type fields []any

func (f fields) text(i int) string {
	switch v := f[i].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case nil:
		return ""
	}
	return fmt.Sprint(f[i])
}

func (f fields) number(i int) int64 {
	switch v := f[i].(type) {
	case int64:
		return v
	case int32:
		return int64(v)
	case bool:
		if v {
			return 1
		}
	}
	return 0
}

func (f fields) time(i int) time.Time {
	switch v := f[i].(type) {
	case int64:
		return time.UnixMicro(v).UTC()
	case time.Time:
		return v.UTC()
	}
	return time.Time{}
}

func (t Tables) each(ctx context.Context, query string, f func(fields)) error {
	rows, err := t.DB.QueryContext(ctx, strings.ReplaceAll(query, "{}", t.Prefix))
	if err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make(fields, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read the database: %w", err)
		}
		f(values)
	}
	return rows.Err()
}

// Read reads what the oracle is shown.
func (t Tables) Read(ctx context.Context) (d observe.Database, err error) {
	for _, read := range []func(context.Context, *observe.Database) error{t.runs, t.notices, t.holds, t.status, t.rest} {
		if err := read(ctx, &d); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (t Tables) runs(ctx context.Context, d *observe.Database) error {
	return t.each(ctx, `SELECT run_key, seq, status, phase, scope, started_at, deadline, finished_at, posted_at, accounts, stop_reason, numbers
		FROM {}runs ORDER BY seq`, func(f fields) {
		r := observe.RunRow{
			Key: f.text(0), Seq: f.number(1), Status: f.text(2), Phase: f.text(3), StartedAt: f.time(5), Deadline: f.time(6),
			FinishedAt: f.time(7), PostedAt: f.time(8), Accounts: int(f.number(9)), StopReason: f.text(10),
		}
		var scope struct {
			Tenant, Provider string
			Limit            int
		}
		json.Unmarshal([]byte(f.text(4)), &scope) //nolint:errcheck // a scope that is none is the oracle's to see
		r.Tenant, r.Provider, r.Limit = scope.Tenant, scope.Provider, scope.Limit
		var numbers struct {
			Providers map[string]struct{ Held, Void bool }
		}
		if json.Unmarshal([]byte(f.text(11)), &numbers) == nil {
			for _, name := range sortedKeys(numbers.Providers) {
				if numbers.Providers[name].Held {
					r.Held = append(r.Held, name)
				}
				if numbers.Providers[name].Void {
					r.Void = append(r.Void, name)
				}
			}
		}
		d.Runs = append(d.Runs, r)
	})
}

func (t Tables) notices(ctx context.Context, d *observe.Database) error {
	at := map[int64]int{}
	err := t.each(ctx, `SELECT notice_id, run_key, kind, tenant_id, contact_email, provider, state, detail, hold_key, due_at, created_at, sent_at,
		tries, message_id, waits_until FROM {}notices ORDER BY notice_id`, func(f fields) {
		at[f.number(0)] = len(d.Notices)
		d.Notices = append(d.Notices, observe.NoticeRow{
			ID: f.number(0), Run: f.text(1), Kind: f.text(2), Tenant: f.text(3), Contact: f.text(4), Provider: f.text(5), State: f.text(6),
			Detail: f.text(7), Hold: f.text(8), DueAt: f.time(9), CreatedAt: f.time(10), SentAt: f.time(11), Tries: int(f.number(12)),
			MessageID: f.text(13), WaitsUntil: f.time(14),
		})
	})
	if err != nil {
		return err
	}
	return t.each(ctx, `SELECT notice_id, account_id, verdict, step FROM {}notice_items ORDER BY notice_id, account_id`, func(f fields) {
		if i, ok := at[f.number(0)]; ok {
			d.Notices[i].Items = append(d.Notices[i].Items, observe.ItemRow{Account: f.text(1), Verdict: f.text(2), Step: int(f.number(3))})
		}
	})
}

func (t Tables) holds(ctx context.Context, d *observe.Database) error {
	return t.each(ctx, `SELECT run_key, provider, state, why, opened_at, decided_at, decided_by FROM {}holds ORDER BY opened_at, provider`, func(f fields) {
		d.Holds = append(d.Holds, observe.HoldRow{
			Run: f.text(0), Provider: f.text(1), State: f.text(2), Why: f.text(3), OpenedAt: f.time(4), DecidedAt: f.time(5), DecidedBy: f.text(6),
		})
	})
}

// Peek counts what stands in the database at this moment, between two calls of a process perhaps.
func (t Tables) Peek(ctx context.Context, c *Coverage) error {
	for _, q := range []struct{ of, query string }{
		{"notice state ", `SELECT DISTINCT state FROM {}notices`},
		{"run status ", `SELECT DISTINCT status FROM {}runs`},
		{"run phase ", `SELECT DISTINCT phase FROM {}runs`},
		{"verdict ", `SELECT DISTINCT verdict FROM {}account_states UNION SELECT DISTINCT run_verdict FROM {}account_states`},
	} {
		if err := t.each(ctx, q.query, func(f fields) { c.Add(q.of + f.text(0)) }); err != nil {
			return err
		}
	}
	return nil
}

// status reads account_status, which PostgreSQL alone has.
func (t Tables) status(ctx context.Context, d *observe.Database) error {
	if t.Prefix == "" {
		return nil
	}
	return t.each(ctx, `SELECT account_id, tenant_id, verdict, two_factor, since, told_at, notice_number FROM {}account_status ORDER BY account_id`, func(f fields) {
		number, _ := strconv.ParseInt(strings.TrimPrefix(f.text(6), "M-"), 10, 64)
		d.Status = append(d.Status, observe.StatusRow{
			Account: f.text(0), Tenant: f.text(1), Verdict: f.text(2), TwoFactor: f.text(3), Since: f.time(4), ToldAt: f.time(5), NoticeNumber: number,
		})
	})
}

func (t Tables) rest(ctx context.Context, d *observe.Database) error {
	err := t.each(ctx, `SELECT tenant_id, until FROM {}snoozes ORDER BY tenant_id`, func(f fields) {
		d.Snoozes = append(d.Snoozes, observe.SnoozeRow{Tenant: f.text(0), Until: f.time(1)})
	})
	if err != nil {
		return err
	}
	if err := t.each(ctx, `SELECT value FROM {}settings WHERE name = 'notices_stopped'`, func(f fields) { d.Stopped = f.text(0) }); err != nil {
		return err
	}
	return t.each(ctx, `SELECT at, who, what, target, why FROM {}operator_actions ORDER BY action_id`, func(f fields) {
		d.Actions = append(d.Actions, observe.ActionRow{At: f.time(0), Who: f.text(1), What: f.text(2), Target: f.text(3), Why: f.text(4)})
	})
}
