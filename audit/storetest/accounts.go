package storetest

import (
	"errors"
	"fmt"
	"testing"

	"mailaudit/audit"
	"mailaudit/providers"
)

func testAccounts(t *testing.T, s audit.Store) {
	want := audit.Account{
		ID: "a-1", TenantID: "t-1", TenantName: "<!channel> =1+1 \u202e", Address: "fr@example.com", Username: "fr", Host: "mail.example.com",
		Port: 587, Security: providers.STARTTLS, Auth: audit.AuthPassword, ContactName: "Maria", ContactEmail: "m@example.com",
		Locale: "es", TimeZone: "America/Chicago", UpdatedAt: night, LastSentOKAt: night.Add(-1),
	}
	want.ContactUnverified = true
	want.LastSentOKAt = night.Add(-24 * 3600e9)
	put(t, s, want, account("a-2"))
	got, err := s.AccountsByID(t.Context(), []string{"a-1", "nobody"})
	must(t, err)
	same(t, "accounts", got, []audit.Account{want})
	sealed, err := s.SealedSecrets(t.Context(), []string{"a-1", "a-2", "nobody"})
	must(t, err)
	same(t, "secrets", sealed, map[string][]byte{"a-1": []byte("sealed a-1"), "a-2": []byte("sealed a-2")})
	must(t, s.Remove(t.Context(), "a-1"))
	if err := s.Remove(t.Context(), "a-1"); !errors.Is(err, audit.ErrNoAccount) {
		t.Errorf("removing twice: %v, want ErrNoAccount", err)
	}
}

func testPages(t *testing.T, s audit.Store) {
	var want []string
	for i := range 25 {
		a := account(fmt.Sprintf("a-%02d", i))
		a.TenantID = fmt.Sprintf("t-%d", i%2)
		put(t, s, a)
		if i%2 == 1 {
			want = append(want, a.ID)
		}
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page, err := s.AccountsAfter(t.Context(), after, 5, "t-1")
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, a := range page {
			got = append(got, a.ID)
		}
		// A row that comes in behind the walk is not met, and does not shift it.
		put(t, s, account("a-"+fmt.Sprint(len(got))+"-late"))
	}
	same(t, "ids", got, want)
}

func testImportFails(t *testing.T, s audit.Store) {
	_, err := s.Import(t.Context(), true, func(put func(audit.Account, []byte) error) error {
		must(t, put(account("a-1"), []byte("x")))
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Errorf("import: %v, want the cause", err)
	}
	page, err := s.AccountsAfter(t.Context(), "", 10, "")
	must(t, err)
	same(t, "accounts left behind", len(page), 0)
}

func testReplace(t *testing.T, s audit.Store) {
	put(t, s, account("a-1"), account("a-2"))
	n, err := s.Import(t.Context(), true, func(put func(audit.Account, []byte) error) error {
		must(t, put(account("a-2"), []byte("new")))
		return put(account("a-3"), []byte("new"))
	})
	must(t, err)
	same(t, "count", n, audit.ImportCount{Added: 1, Updated: 1, Removed: 1})
	sealed, err := s.SealedSecrets(t.Context(), []string{"a-1", "a-2", "a-3"})
	must(t, err)
	same(t, "secrets", sealed, map[string][]byte{"a-2": []byte("new"), "a-3": []byte("new")})
}
