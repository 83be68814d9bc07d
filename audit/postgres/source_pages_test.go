package postgres_test

import (
	"fmt"
	"testing"

	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

// A view that takes 150 ms for each row, and one whose volatile function has every row computed for any page: 40 rows take
// six seconds, and a statement may take five. Both are read to the end, each row once.
func TestASlowViewIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for kind, volatility := range map[string]string{"row by row": "STABLE", "all rows for any page": "VOLATILE"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cluster := pgtest.Own(t)
			cluster.Exec(t, "postgres", `CREATE TABLE boxes AS SELECT n AS account_id, 1 AS tenant_id, 'a' || n || '@x.example' AS address, 's' AS secret
				FROM generate_series(1, 40) AS n; ALTER TABLE boxes ADD PRIMARY KEY (account_id);
				CREATE FUNCTION slow(t text) RETURNS text LANGUAGE plpgsql `+volatility+` AS $$ BEGIN PERFORM pg_sleep(0.15); RETURN t; END $$;
				CREATE VIEW slow_boxes AS SELECT account_id, tenant_id, slow(address) AS address, secret FROM boxes`)
			s, err := postgres.OpenSource(t.Context(), cluster.URL("postgres", pgtest.Admin), "public.slow_boxes", postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			page, err := s.AccountsAfter(t.Context(), "", 2001, "")
			if err != nil || len(page) != 40 {
				t.Fatalf("%d accounts, %v", len(page), err)
			}
			for i, a := range page {
				if a.ID != fmt.Sprint(i+1) {
					t.Fatalf("the %dth is %s", i+1, a.ID)
				}
			}
		})
	}
}
