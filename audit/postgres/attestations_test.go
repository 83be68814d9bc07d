package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

// The relation may bear ids of any type, values as people write them, rows that say nothing, and may change while the
// program stays up.
func TestAttestationsOfAnyShape(t *testing.T) {
	cluster, database := pgtest.Shared(t), pgtest.Database(t)
	cluster.Exec(t, database, `CREATE TABLE kept (account_id bigint, kind text, value text, seen_at timestamp, expires_at date);
		INSERT INTO kept VALUES (7, ' Google_2SV_enrolled', 'Yes', '2026-11-20 10:00', NULL), (7, 'customer_statement', 'no', '2026-11-21', '2027-01-01'),
			(8, 'passkey', 'true', '2026-11-20', NULL), (8, 'oidc_amr_mfa', 'perhaps', '2026-11-20', NULL), (8, 'oidc_amr_mfa', '1', NULL, NULL),
			(8, 'oidc_amr_mfa', '1', 'infinity', NULL), (NULL, 'oidc_amr_mfa', '1', '2026-11-20', NULL);
		CREATE VIEW attests AS SELECT * FROM kept`)
	s, err := postgres.OpenAttestations(t.Context(), cluster.URL(database, pgtest.Admin), "attests", postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	got, err := s.Attestations(t.Context(), []string{"7", "8", "9", "none of the table's"})
	if err != nil {
		t.Fatal(err)
	}
	day := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, time.UTC) }
	want := audit.Attestations{
		ByAccount: map[string][]audit.Attestation{"7": {
			{AccountID: "7", Kind: audit.GoogleEnrolled, Value: true, SeenAt: day(20, 10)},
			{AccountID: "7", Kind: audit.CustomerStatement, SeenAt: day(21, 0), ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		}},
		Odd: []string{"column seen_at holds no time", "column value holds neither yes nor no", "column kind holds a word that is no kind"},
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("sorted", func(odd []string) map[string]bool {
		all := map[string]bool{}
		for _, o := range odd {
			all[o] = true
		}
		return all
	})); diff != "" {
		t.Error(diff)
	}
	if n, err := s.Count(t.Context()); n != 7 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	cluster.Exec(t, database, `DROP VIEW attests; CREATE VIEW attests AS SELECT account_id::text, kind, seen_at, '{}'::json AS value FROM kept`)
	if _, err := s.Attestations(t.Context(), []string{"7"}); err == nil || !strings.Contains(err.Error(), "attestations attests: column value is json and must be boolean") {
		t.Errorf("another type: %v", err)
	}
	cluster.Exec(t, database, `DROP VIEW attests; CREATE VIEW attests AS SELECT account_id::text, kind, value::text, seen_at FROM kept`)
	if got, err := s.Attestations(t.Context(), []string{"7"}); err != nil || len(got.ByAccount["7"]) != 2 {
		t.Errorf("without expires_at, ids as text: %v, %v", got, err)
	}
	cluster.Exec(t, database, `DROP VIEW attests`)
	if _, err := s.Attestations(t.Context(), []string{"7"}); err == nil || !strings.Contains(err.Error(), "no such table or view") {
		t.Errorf("gone: %v", err)
	}
}
