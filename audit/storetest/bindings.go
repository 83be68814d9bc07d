package storetest

import (
	"errors"
	"testing"

	"mailaudit/audit"
)

// testBindings: a secret's binding is settled and remedied with its fingerprint, set by hand, and read by itself.
func testBindings(t *testing.T, s audit.Store) {
	put(t, s, account("a-1"), account("a-2"))
	run := startRun(t, s, "n1", night)
	accepted := result(run, "a-1", audit.Compliant)
	accepted.Fingerprint, accepted.Binding = "p", "b google"
	record(t, s, run, accepted, result(run, "a-2", audit.Invalid))
	settle(t, s, run)
	finish(t, s, run)
	bindings := func(want map[string]string) {
		t.Helper()
		got, err := s.Bindings(t.Context(), []string{"a-1", "a-2", "nobody"})
		must(t, err)
		same(t, "bindings", got, want)
		for _, id := range []string{"a-1", "a-2"} {
			same(t, "binding of the state of "+id, state(t, s, id).Binding, want[id])
		}
	}
	bindings(map[string]string{"a-1": "b google"})

	must(t, s.Bind(t.Context(), "a-1", "c mail.a.example:465"))
	bindings(map[string]string{"a-1": "c mail.a.example:465"})
	if err := s.Bind(t.Context(), "nobody", "c"); !errors.Is(err, audit.ErrNoAccount) {
		t.Errorf("bound for nobody: %v", err)
	}

	st := state(t, s, "a-2")
	st.Remedied, st.Settled = audit.Invalid, audit.Settled{Verdict: audit.Compliant, Since: night}
	st.Fingerprint, st.AcceptedFingerprint, st.Binding = "q", "q", "d yahoo"
	if ids, err := s.Remedy(t.Context(), []audit.State{st}); err != nil || len(ids) != 1 {
		t.Errorf("remedied %v, %v", ids, err)
	}
	bindings(map[string]string{"a-1": "c mail.a.example:465", "a-2": "d yahoo"})
}
