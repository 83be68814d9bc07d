package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

// settled runs a night in which the accounts get their verdicts, and concludes it.
func settled(t *testing.T, s *postgres.Store, key string, at time.Time, drafts []audit.Draft, results ...audit.Recorded) audit.Run {
	t.Helper()
	run := started(t, s, key, at)
	must(t, s.Record(t.Context(), key, results))
	must(t, s.Conclude(t.Context(), key))
	page, err := s.Unsettled(t.Context(), run, "", 100_000)
	must(t, err)
	var all []audit.Settlement
	states, err := s.LoadStates(t.Context(), page)
	must(t, err)
	for _, id := range page {
		all = append(all, decide.Settle(run, states[id]))
	}
	must(t, s.Settle(t.Context(), run, all, drafts))
	must(t, s.Finish(t.Context(), key, audit.Numbers{}, at.Add(time.Hour)))
	return run
}

// A quiet night's new versions stay on their pages and leave the indexes alone.
func TestQuietNightIsHOT(t *testing.T) {
	// One connection, so that its counts are all there are.
	s := open(t, pgtest.Shared(t).URL(migrated.Database(t), pgtest.Admin), postgres.Options{MaxConns: 1})
	const accounts = 3000
	results := func(run audit.Run, quiet bool) (all []audit.Recorded) {
		for i := range accounts {
			r := result(run, fmt.Sprintf("a-%05d", i), audit.Compliant)
			r.Reply, r.Quiet = strings.Repeat("x", 200), quiet
			all = append(all, r)
		}
		return all
	}
	updates := func() (all, hot int) {
		exec(t, s, `SELECT pg_stat_force_next_flush()`)
		must(t, s.Pool().QueryRow(t.Context(), `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'account_states'`).Scan(&all, &hot))
		return all, hot
	}
	quietNight := func(n int) {
		run := started(t, s, fmt.Sprint("k", n), night.AddDate(0, 0, n))
		all := results(run, true)
		for i := 0; i < len(all); i += 100 {
			must(t, s.Record(t.Context(), run.Key, all[i:i+100]))
		}
		must(t, s.Conclude(t.Context(), run.Key))
	}
	settled(t, s, "k0", night, nil, results(audit.Run{Key: "k0", StartedAt: night}, false)...)
	quietNight(1) // takes every account out of the index of those to be settled
	before, hotBefore := updates()
	quietNight(2)
	quietNight(3)
	after, hotAfter := updates()
	if all, hot := after-before, hotAfter-hotBefore; all != 2*accounts || hot < all*95/100 {
		t.Errorf("%d of %d updates were HOT", hot, all)
	}
}

func TestAccountStatus(t *testing.T) {
	s := fresh(t)
	draft := func(id, contact string) audit.Draft {
		return audit.Draft{Kind: audit.KindFinding, TenantID: "t", ContactEmail: contact, Provider: "google",
			Item: audit.NoticeItem{AccountID: id, Verdict: audit.Revoked, Since: night, Step: 1}}
	}
	run := audit.Run{Key: "k", StartedAt: night}
	settled(t, s, "k", night, []audit.Draft{draft("told", "a@example.com"), draft("shadow", "b@example.com"), draft("untold", "c@example.com")},
		result(run, "fine", audit.Compliant), result(run, "told", audit.Revoked), result(run, "shadow", audit.Revoked),
		result(run, "untold", audit.Revoked), result(run, "unverified", audit.Unverified))
	forming, err := s.Forming(t.Context(), "k")
	must(t, err)
	at := night.Add(9 * time.Hour)
	number := ""
	for i, n := range forming {
		forming[i].State = audit.NoticeQueued
		if n.ContactEmail == "b@example.com" {
			forming[i].State = audit.NoticeShadowed
		}
	}
	must(t, s.Release(t.Context(), forming))
	for _, n := range forming {
		if n.ContactEmail == "a@example.com" {
			claim, err := s.Claim(t.Context(), n.ID, at, plenty)
			must(t, err)
			must(t, s.HandOver(t.Context(), n.ID, claim, "<m@x>", at))
			number = fmt.Sprintf("M-%d", n.ID)
		}
	}
	type status struct {
		Verdict string
		Notice  *string
		Told    *time.Time
	}
	got := map[string]status{}
	rows, err := s.Pool().Query(t.Context(), `SELECT account_id, verdict, notice_number, told_at FROM mailaudit.account_status`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var id string
		var st status
		must(t, rows.Scan(&id, &st.Verdict, &st.Notice, &st.Told))
		got[id] = st
	}
	must(t, rows.Err())
	want := map[string]status{
		"fine": {Verdict: "compliant"}, "told": {"revoked", &number, &at}, "shadow": {Verdict: "revoked"}, "untold": {Verdict: "revoked"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// Departed is asked stretch by stretch; where a stretch ends nobody is lost.
func TestDepartedAcrossStretches(t *testing.T) {
	s := fresh(t)
	const accounts = 45_000 // more than two stretches
	settledAt := `INSERT INTO mailaudit.account_states (account_id, tenant_id, tenant_name, address, provider, brand, verdict, run_key, settled_seq)
		SELECT 'a-' || to_char(n, 'FM00000'), 't', '', '', 'google', '', 'compliant', CASE WHEN n IN (1, 2, 44999, 45000) THEN 'old' ELSE 'k' END, 0
		FROM generate_series(1, $1) n`
	exec(t, s, settledAt, accounts)
	run := started(t, s, "k", night)
	for _, limit := range []int{2, 3, 100} {
		var got []string
		for after := ""; ; {
			page, err := s.Departed(t.Context(), run, after, limit)
			must(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = got[len(got)-1]
		}
		want := []string{"a-00001", "a-00002", "a-44999", "a-45000"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	known, err := s.KnownStates(t.Context(), run)
	must(t, err)
	if known != accounts-4 {
		t.Errorf("%d states of the run, want %d", known, accounts-4)
	}
}

// The server goes away, is killed and comes back: steps fail meanwhile and succeed afterwards, on the same store.
func TestServerComesBack(t *testing.T) {
	cluster := pgtest.Own(t)
	s := open(t, cluster.URL("postgres", pgtest.Admin), postgres.Options{})
	must(t, s.Migrate(t.Context()))
	started(t, s, "k", night)
	for name, fall := range map[string]func() error{"restart": cluster.Down, "crash": cluster.Crash} {
		must(t, fall())
		if err := s.Beat(t.Context(), "k", night); err == nil {
			t.Errorf("%s: a step succeeded without a server", name)
		}
		if _, err := s.AccountsAfter(t.Context(), "", 1, ""); err == nil {
			t.Errorf("%s: a page was read without a server", name)
		}
		must(t, cluster.Up())
		if err := s.Beat(t.Context(), "k", night); err != nil {
			t.Errorf("%s: the first step afterwards: %v", name, err)
		}
	}
	// A connection that is cut under a running transaction leaves nothing behind.
	err := s.InTx(t.Context(), func(run func(string) error) error {
		if err := run(`UPDATE mailaudit.runs SET stop_reason = 'half done'`); err != nil {
			return err
		}
		cluster.Exec(t, "postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mailaudit'`)
		return run(`SELECT 1`)
	})
	if err == nil {
		t.Error("a transaction whose connection was cut succeeded")
	}
	r, err := s.LoadRun(t.Context(), "k")
	must(t, err)
	if r.StopReason != "" {
		t.Errorf("left behind: %q", r.StopReason)
	}
}

func TestPoolerThatWasNotConfigured(t *testing.T) {
	pooler := pgtest.Shared(t).Pool(t)
	_, err := postgres.Open(t.Context(), pooler.URL("postgres", pgtest.Admin), postgres.Options{})
	if err == nil || !strings.Contains(err.Error(), "database_pooler: transaction") {
		t.Errorf("pgbouncer without database_pooler: %v", err)
	}
	_, err = postgres.Open(t.Context(), pgtest.Shared(t).URL("nowhere", pgtest.Admin), postgres.Options{})
	if err == nil || !strings.Contains(err.Error(), "create it first") {
		t.Errorf("a database that does not exist: %v", err)
	}
}
