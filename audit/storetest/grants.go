package storetest

import (
	"errors"
	"testing"

	"mailaudit/audit"
	"mailaudit/providers"
)

// testReplaceSecret: a refresh token that was renewed is stored once, over the one it was issued for alone, and is
// known again by all that knew the old one.
func testReplaceSecret(t *testing.T, s audit.Store) {
	a := account("a-1")
	a.Auth = audit.AuthOAuth2
	put(t, s, a, account("a-2"))
	run := startRun(t, s, "n1", night)
	accepted := result(run, "a-1", audit.Compliant)
	accepted.Fingerprint, accepted.Binding = "p-old", "b-old"
	record(t, s, run, accepted, result(run, "a-2", audit.Compliant))
	settle(t, s, run)
	finish(t, s, run)

	key := audit.AttemptKey{Login: "l", Secret: "p-old"}
	limit := audit.AttemptLimit{PerSecret: 2, Secrets: 3}
	_, err := s.Reserve(t.Context(), "2026-11-23", []audit.AttemptKey{key}, limit)
	must(t, err)

	r := audit.Renewal{AccountID: "a-1", Old: []byte("sealed a-1"), New: []byte("renewed"),
		OldFingerprint: "p-older", NewFingerprint: "p-new", Released: "p-old", Binding: "b-new", Day: "2026-11-23",
		OldAttempt: key, NewAttempt: audit.AttemptKey{Login: "l", Secret: "p-new"}}
	must(t, s.ReplaceSecret(t.Context(), r))
	sealed, err := s.SealedSecrets(t.Context(), []string{"a-1", "a-2"})
	must(t, err)
	same(t, "secrets", sealed, map[string][]byte{"a-1": []byte("renewed"), "a-2": []byte("sealed a-2")})
	if st := state(t, s, "a-1"); st.Fingerprint != "p-new" || st.AcceptedFingerprint != "p-new" || st.Binding != "b-new" || st.Settled.Verdict != audit.Compliant {
		t.Errorf("state: %+v", st)
	}
	if st := state(t, s, "a-2"); st.Fingerprint != "" {
		t.Errorf("another's state: %+v", st)
	}

	// The attempts of the day go on under the new one. The old one has none left: who read it before may not send it.
	granted, err := s.Reserve(t.Context(), "2026-11-23", []audit.AttemptKey{key}, limit)
	must(t, err)
	same(t, "attempts of the token that was replaced", granted, []bool{false})
	key.Secret = "p-new"
	granted, err = s.Reserve(t.Context(), "2026-11-23", []audit.AttemptKey{key, key}, limit)
	must(t, err)
	same(t, "attempts after one was used", granted, []bool{true, false})

	// The same secret, sealed by another key.
	must(t, s.ReplaceSecret(t.Context(), audit.Renewal{AccountID: "a-1", Old: []byte("renewed"), New: []byte("resealed"),
		OldFingerprint: "p-new", NewFingerprint: "p-new"}))
	sealed, err = s.SealedSecrets(t.Context(), []string{"a-1"})
	must(t, err)
	same(t, "sealed anew", sealed, map[string][]byte{"a-1": []byte("resealed")})
	if st := state(t, s, "a-1"); st.Fingerprint != "p-new" {
		t.Errorf("state after sealing anew: %+v", st)
	}

	if err := s.ReplaceSecret(t.Context(), r); !errors.Is(err, audit.ErrMoved) {
		t.Errorf("over a newer one: %v, want ErrMoved", err)
	}
	r.AccountID = "nobody"
	if err := s.ReplaceSecret(t.Context(), r); !errors.Is(err, audit.ErrNoAccount) {
		t.Errorf("of nobody: %v, want ErrNoAccount", err)
	}
	got, err := s.AccountsByID(t.Context(), []string{"a-1"})
	must(t, err)
	a.Auth, a.Security = audit.AuthOAuth2, providers.Security("")
	same(t, "account", got, []audit.Account{a})
}
